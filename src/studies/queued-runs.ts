/** Records of runs that wait in the queue of the page, before their first step. */
import { newId } from '../checkpoint/manifest.ts';
import { parseConfig } from '../config/parse.ts';
import { DistillExperimentSchema } from '../protocol/distill-experiment.ts';
import { GrpoExperimentSchema } from '../protocol/grpo-experiment.ts';
import { SftExperimentSchema } from '../protocol/sft-experiment.ts';
import {
  NO_REMARKS,
  type RunDescription,
  type RunKind,
  type RunWatch,
  type TrackedRun,
} from '../protocol/tracked-run.ts';
import { summariseDistill, summariseGrpo, summariseSft } from '../runs/run-summary.ts';

/**
 * A run with some settings, before its first step; hashes of its data and start are not known yet.
 *
 * @param place - what the settings are of, for messages
 * @throws {LabError} `bad-config` naming the setting
 */
export function describeQueued(place: string, kind: RunKind, settings: object): RunDescription {
  switch (kind) {
    case 'sft': {
      const experiment = parseConfig(place, SftExperimentSchema, settings);
      return { ...summariseSft({ step: 0, experiment, dataHash: '', curve: [] }), experiment };
    }
    case 'grpo': {
      const experiment = parseConfig(place, GrpoExperimentSchema, settings);
      return { ...summariseGrpo({ step: 0, experiment, dataHash: '', startHash: '', curve: [] }), experiment };
    }
    case 'distill': {
      const experiment = parseConfig(place, DistillExperimentSchema, settings);
      return { ...summariseDistill({ step: 0, experiment, worldHash: '', teacherHash: '', curve: [] }), experiment };
    }
    default:
      return kind satisfies never;
  }
}

/** @param firstPlace - the place in the queue of the first run */
export function queuedRuns(runs: readonly RunDescription[], firstPlace: number, watch: RunWatch | null): TrackedRun[] {
  const now = Date.now();
  return runs.map(({ startUrl = null, ...run }, i) => ({
    ...run,
    schemaVersion: 1,
    id: newId(),
    state: 'queued',
    parentId: null,
    startedAt: now,
    updatedAt: now,
    queuedAt: firstPlace + i,
    activeMs: null,
    watch,
    best: null,
    startUrl,
    ...NO_REMARKS,
  }));
}
