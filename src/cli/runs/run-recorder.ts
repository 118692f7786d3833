/**
 * `--record`: what a reinforcement run says of its held-out pairs, kept in the folder of the run measurement by
 * measurement, so that a run that was stopped is recorded whole, and written as one file at the end.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import type { SampledGroup } from '../../protocol/grpo.ts';
import type { GrpoExperiment } from '../../protocol/grpo-experiment.ts';
import { parseRecording, type RecordedFrame, type RecordedGroups, type RecordingHeader, writeRecording } from '../../protocol/recording.ts'; // prettier-ignore
import type { GrpoCheckpoint, GrpoCurvePoint } from '../../runs/grpo-checkpoint.ts';
import { collapseSince } from '../../runs/grpo-measure.ts';
import type { MeasuredPoint } from '../../runs/grpo-run.ts';
import type { PreparedGrpo, StartModel } from '../../runs/grpo-task.ts';
import { recordedPairs } from '../../runs/recorded-answers.ts';
import { hashWeights } from '../../runs/weights-hash.ts';
import { countParameters } from '../../config/model-config.ts';
import { ruleInfos } from '../../sessions/grpo-events.ts';
import type { ModelCard } from '../../infer/model-card.ts';
import { balanceAt } from '../../train/mode-balance.ts';
import { currentCommit } from '../current-commit.ts';
import { RunLog } from './run-log.ts';
import { writeWhole } from '../outputs.ts';

const FILE = 'record.jsonl';

/** What is kept in the folder, a line each, with its step. */
type Line = ({ readonly kind: 'frame' } & RecordedFrame) | ({ readonly kind: 'groups' } & RecordedGroups);

export class RunRecorder {
  readonly #path: string;
  readonly #log: RunLog;
  #start: GrpoCurvePoint | undefined;

  private constructor(path: string, log: RunLog, start: GrpoCurvePoint | undefined) {
    this.#path = path;
    this.#log = log;
    this.#start = start;
  }

  /**
   * Begins a record, or continues that of a resumed run.
   *
   * @param folder - of the run
   * @throws {LabError} `bad-config` if the run was begun without one
   */
  static async open(folder: string, saved: GrpoCheckpoint | undefined): Promise<RunRecorder> {
    const path = join(folder, FILE);
    const log = await RunLog.open(path, saved?.state.step ?? -1);
    const frames = saved === undefined ? [] : framesOf(await readLines(path));
    const recorded = new Set(frames.map(({ step }) => step));
    const missed = saved?.curve.find(({ step }) => !recorded.has(step));
    if (missed !== undefined) {
      throw new LabError('bad-config', {
        message: `The run in ${folder} was not recorded from its beginning.`,
        expected: `the answers of step ${missed.step} in ${path}`,
        fix: 'Resume it without --record, or begin a new run with it.',
      });
    }
    return new RunRecorder(path, log, saved?.curve[0]);
  }

  /** @param coefficient - the weight of the expert loss; null where the balance has none */
  addMeasurement({ step, measures, answers }: MeasuredPoint, coefficient: number | null): void {
    this.#start ??= { step, measures };
    const collapse = collapseSince(this.#start.measures, measures);
    this.#log.add(step, { kind: 'frame', coefficient, measures, collapse, answers });
  }

  addGroups(step: number, groups: readonly SampledGroup[]): void {
    this.#log.add(step, { kind: 'groups', groups });
  }

  /** Writes the recording. @throws {LabError} `storage-full`, `bad-file` */
  async write(path: string, header: RecordingHeader): Promise<void> {
    const lines = await readLines(this.#path);
    const groups = lines.flatMap((line) => (line.kind === 'groups' ? [{ step: line.step, groups: line.groups }] : []));
    const contents = writeRecording(header, framesOf(lines), groups);
    parseRecording(path, contents);
    await writeWhole(path, contents);
  }
}

/** What a recording says of its run. */
export function recordingHeader(
  experiment: GrpoExperiment,
  start: StartModel & { readonly card: ModelCard },
  { rules, dataHash, dev }: PreparedGrpo,
  device: string,
): RecordingHeader {
  return {
    name: experiment.name,
    experiment,
    seed: experiment.grpo.seed,
    model: { name: start.card.name, hash: hashWeights(start.weights), parameters: countParameters(start.config) },
    dataHash,
    device,
    commit: currentCommit(),
    date: new Date().toISOString().slice(0, 10),
    labelNames: [...start.scale.names],
    rules: ruleInfos(rules),
    pairs: recordedPairs(rules, dev),
  };
}

/** The weight of the expert loss before the first step; null where the balance has none. */
export function coefficientAtStart({ grpo }: GrpoExperiment): number | null {
  return balanceAt(grpo.balance, 0, undefined, 0).coefficient;
}

function framesOf(lines: readonly Line[]): RecordedFrame[] {
  return lines.flatMap((line) => {
    if (line.kind !== 'frame') return [];
    const { kind: _, ...frame } = line;
    return [frame];
  });
}

/** The record so far; a recorder writes whole lines, and the file that is made of them is parsed. */
async function readLines(path: string): Promise<Line[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
}
