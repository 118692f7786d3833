/**
 * The rule of a run on disk (`--watch`, `--patience`): where it ends, and its best checkpoint, which is kept beside the
 * last one.
 */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { readSafetensors } from '../../checkpoint/safetensors.ts';
import { LabError } from '../../common/errors.ts';
import type { ModelCard } from '../../infer/model-card.ts';
import type { RunBest, RunKind, RunSummary, RunWatch, TrackedRun } from '../../protocol/tracked-run.ts';
import { runMetadata } from '../../runs/run-file.ts';
import { MEASURED, summariseRun } from '../../runs/run-summary.ts';
import { bestCheckpoint, endsAt } from '../../runs/run-watch.ts';
import { wholeNumber } from '../options.ts';
import { writeWhole } from '../outputs.ts';
import { readIfThere } from './read-files.ts';

/** The best checkpoint of a run with a rule. */
export const BEST_FILE = 'best.safetensors';

export interface WatchOptions {
  readonly watch?: string;
  readonly patience?: number;
}

/** Adds `--watch` and `--patience`. */
export function addWatchOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--watch <measure>', 'keep the best checkpoint by this measure too, and its model in best/ (losses: lowest)'), // prettier-ignore
    )
    .addOption(
      new Option(
        '--patience <n>',
        'with --watch: end at a checkpoint after n measurements in a row no better than the best before (0: never)',
      ).argParser(wholeNumber(0)),
    );
}

/**
 * The rule that options ask for; null without one.
 *
 * @throws {LabError} `bad-config` for a measure that such runs lack, or a patience with nothing to watch
 */
export function watchIn(kind: RunKind, { watch: metric, patience }: WatchOptions): RunWatch | null {
  if (metric === undefined) {
    if (patience === undefined) return null;
    throw new LabError('bad-config', {
      message: '--patience needs a measure to watch.',
      expected: `--watch with one of ${MEASURED[kind].join(', ')}`,
      fix: 'Add --watch, or leave --patience out.',
    });
  }
  if (MEASURED[kind].includes(metric)) return { metric, patience: patience ?? 0 };
  throw new LabError('bad-config', {
    message: `Runs of ${kind} do not measure "${metric}".`,
    expected: MEASURED[kind].join(', '),
    got: metric,
    fix: 'Name one of these with --watch.',
  });
}

/** A card whose command has the rule that ended the run or chose its checkpoint. */
export function withRule(card: ModelCard, watch: RunWatch | null): ModelCard {
  if (watch === null) return card;
  return { ...card, training: { ...card.training, command: `${card.training.command} ${textOf(watch)}` } };
}

/** The rule of one run, and its best checkpoint so far. */
export class RunWatcher {
  static readonly NONE = new RunWatcher(null, null);
  readonly watch: RunWatch | null;
  #best: RunBest | null;

  private constructor(watch: RunWatch | null, best: RunBest | null) {
    this.watch = watch;
    this.#best = best;
  }

  /**
   * @param step - of the checkpoint that the run continues from
   * @param kept - its record
   * @param given - the rule that it is given
   * @throws {LabError} `bad-config` if it continues and is given another rule
   */
  static async begin(
    folder: string,
    step: number,
    kept: TrackedRun | undefined,
    given: RunWatch | null,
  ): Promise<RunWatcher> {
    const watch = keptWatch(kept, given);
    return new RunWatcher(watch, watch === null || step === 0 ? null : await continuedBest(folder, watch));
  }

  get best(): RunBest | null {
    return this.#best;
  }

  endsAt(run: RunSummary): boolean {
    return endsAt(this.watch, run);
  }

  /** Whether a new checkpoint is the best one so far. */
  isBest(run: RunSummary): boolean {
    const best = this.watch === null ? undefined : bestCheckpoint(this.watch, run);
    if (best?.step !== run.step) return false;
    this.#best = { ...best, checkpointId: null };
    return true;
  }
}

/** The rule of a run that is begun or continued. @throws {LabError} `bad-config` if it is given another one */
function keptWatch(kept: TrackedRun | undefined, given: RunWatch | null): RunWatch | null {
  if (kept === undefined || given === null) return kept?.watch ?? given;
  if (textOf(kept.watch) === textOf(given)) return given;
  throw new LabError('bad-config', {
    message: 'A resumed run keeps the rule by which it ends.',
    expected: textOf(kept.watch),
    got: textOf(given),
    fix: 'Leave --watch and --patience out, or start a new run.',
  });
}

function textOf(watch: RunWatch | null): string {
  return watch === null ? 'none' : `--watch ${watch.metric} --patience ${watch.patience}`;
}

/**
 * The best checkpoint of a run that continues. A process killed between the two files has left the last checkpoint
 * without its copy, which is made here.
 */
async function continuedBest(folder: string, watch: RunWatch): Promise<RunBest | null> {
  const last = await readIfThere(join(folder, 'checkpoint.safetensors'));
  if (last === undefined) return null;
  const run = summaryOf(last);
  const best = bestCheckpoint(watch, run);
  if (best === undefined) return null;
  const path = join(folder, BEST_FILE);
  if (best.step === run.step) await writeWhole(path, last);
  else {
    const kept = await readIfThere(path);
    if (kept === undefined || summaryOf(kept).step !== best.step) return null; // somebody has removed it
  }
  return { ...best, checkpointId: null };
}

function summaryOf(checkpoint: Uint8Array): RunSummary {
  return summariseRun('The checkpoint', runMetadata(readSafetensors(checkpoint).metadata));
}
