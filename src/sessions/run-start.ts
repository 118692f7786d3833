/**
 * Where a run begins: at its settings, or at a checkpoint of this browser or of a file.
 */
import { newId } from '../checkpoint/manifest.ts';
import { parseSftExperiment, type SftExperiment } from '../protocol/sft-experiment.ts';
import type { ParsedTrainRequest } from '../protocol/training.ts';
import type { RunStore } from './run-store.ts';
import { readSftCheckpoint, type SftCheckpoint } from '../runs/sft-checkpoint.ts';

/** A checkpoint in a store. */
export interface KeptCheckpoint {
  readonly id: string;
  /** Updates made. */
  readonly step: number;
}

/** The beginning of a run. */
export interface RunStart {
  /** Under which its checkpoints are kept; a resumed run keeps its own. */
  readonly runId: string;
  readonly experiment: SftExperiment;
  /** To go on from. */
  readonly saved: SftCheckpoint | undefined;
  /** Where `saved` is kept. */
  readonly kept: KeptCheckpoint | undefined;
}

/**
 * Reads where a run is to begin.
 *
 * @throws {LabError} `bad-config`, `bad-checkpoint` or `not-found`
 */
export async function readStart(
  from: ParsedTrainRequest['from'],
  openStore: () => Promise<RunStore>,
): Promise<RunStart> {
  switch (from.kind) {
    case 'experiment': {
      const experiment = parseSftExperiment('The experiment', from.experiment);
      return { runId: from.runId ?? newId(), experiment, saved: undefined, kept: undefined };
    }
    case 'bytes': {
      const saved = readSftCheckpoint(from.bytes);
      return { runId: newId(), experiment: saved.experiment, saved, kept: undefined };
    }
    case 'checkpoint': {
      const { manifest, payload } = await (await openStore()).load(from.id);
      const saved = readSftCheckpoint(payload);
      const kept = { id: from.id, step: saved.state.step };
      return { runId: manifest.runId ?? newId(), experiment: saved.experiment, saved, kept };
    }
    default:
      return from satisfies never;
  }
}
