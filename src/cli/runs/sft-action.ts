/**
 * The action of `lab sft`.
 */
import { LabError } from '../../common/errors.ts';
import type { StoredDtype } from '../../config/stored.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import {
  predictionsOf,
  compareContinuation,
  describeContinuation,
  heldOutPairs,
  unseenPairs,
} from '../../runs/compared-models.ts';
import { readSftCheckpoint } from '../../runs/sft-checkpoint.ts';
import { learnedBy, type Replay, REPLAY_SHARE } from '../../runs/sft-continuation.ts';
import { readSftStart, type WeighedStart } from '../../runs/sft-start.ts';
import type { DataSet } from '../../data/files/data-set.ts';
import { disposeLabModel, onScale } from '../../infer/lab-model.ts';
import type { SftExperiment } from '../../protocol/sft-experiment.ts';
import { interruption } from '../interruption.ts';
import { openNodeBackend } from '../node-backend.ts';
import { readModelFiles, readModelFolder } from '../model-folder.ts';
import { readDataFiles, type ReadingOptions } from '../pair-files.ts';
import { checkRunFolder } from './resume-check.ts';
import { RunFolder } from './run-folder.ts';
import { watchIn, type WatchOptions } from './run-watcher.ts';
import type { ExplicitSetting } from '../setting-options.ts';
import { continuedSettings, resumedSftSettings, type SftSettingOptions, sftSettings } from './sft-settings.ts';
import { trainToFolder } from './supervised-run.ts';
import { note, print } from '../terminal.ts';

export interface SftOptions extends SftSettingOptions, ReadingOptions, WatchOptions {
  readonly out: string;
  readonly dtype: StoredDtype;
  readonly backend: BackendChoice;
  readonly resume?: boolean;
  /** The folder of the model to continue. */
  readonly start?: string;
  readonly replayShare?: number;
}

export async function runSft(options: SftOptions, explicit: readonly ExplicitSetting[]): Promise<void> {
  const { out, dtype, config, data, docs, queries, rules } = options;
  const watch = watchIn('sft', options);
  const bytes = await new RunFolder(out).readCheckpointBytes();
  await checkRunFolder(bytes, options, [options.start, config, ...(data ?? []), docs, queries, rules, options.task]);
  const saved = bytes === undefined ? undefined : readSftCheckpoint(bytes);
  const resumed = saved === undefined ? undefined : await resumedSftSettings(saved, options, explicit);
  const given = data === undefined ? undefined : await readDataFiles(data, options);
  const start = await startOf(options);
  if (resumed !== undefined) checkResumedStart(resumed, start, options.replayShare);
  const experiment = resumed ?? (await settingsOf(options, explicit, given, start));
  const signal = interruption();
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  const device = `${opened.backend}, ${opened.device}`;
  const folder = await trainToFolder(experiment, {
    out,
    saved,
    start: saved === undefined ? start : undefined,
    given,
    dtype,
    watch,
    device,
    signal,
  });
  if (start !== undefined && given !== undefined && options.start !== undefined) {
    await compareWithStart(experiment, given, options.start, folder);
  }
  print(folder);
}

/** @throws {LabError} `bad-config` if a resumed run is asked for another start, or for another share of replay */
function checkResumedStart({ start, replay }: SftExperiment, asked: WeighedStart | undefined, share?: number): void {
  const isOther = asked !== undefined && asked.hash !== start?.hash;
  if (!isOther && (share === undefined || share === (replay?.share ?? 0))) return;
  throw new LabError('bad-config', {
    message: 'A resumed run keeps its settings.',
    expected: isOther
      ? `--start ${start === undefined ? 'left out' : `with the weights ${start.hash}`}`
      : `--replay-share ${replay?.share ?? 0}`,
    got: isOther ? asked.hash : `${share}`,
    fix: 'Leave it out, or train into another --out.',
  });
}

/** @throws {LabError} `bad-config` for a share without a start, or a start without a file */
async function startOf({ start, data, replayShare }: SftOptions): Promise<WeighedStart | undefined> {
  if (start === undefined) {
    if (replayShare === undefined) return undefined;
    throw new LabError('bad-config', { message: '--replay-share requires --start.', fix: 'Name a model with it.' });
  }
  if (data !== undefined) return readSftStart(await readModelFiles(start));
  throw new LabError('bad-config', {
    message: '--start requires a file of judged pairs.',
    fix: 'Name it with --data. On the rule world, continue with "lab grpo".',
  });
}

function settingsOf(
  options: SftOptions,
  explicit: readonly ExplicitSetting[],
  given: DataSet | undefined,
  start: WeighedStart | undefined,
): Promise<SftExperiment> {
  if (start === undefined || given === undefined) return sftSettings(options, explicit, given);
  return continuedSettings(options, explicit, given, start, replayFor(start, options.replayShare));
}

/** What a start repeats here, where nothing but a rule world can be made again. */
function replayFor(start: WeighedStart, share = REPLAY_SHARE): Replay | undefined {
  if (share === 0) return undefined;
  const data = learnedBy(start);
  if (data !== undefined) return { share, data };
  note(
    `Nothing of what ${start.card.name} learned before is at hand (${start.card.data.name}): it may forget some of it.`,
  );
  return undefined;
}

/** Old and new on the queries that were held out, and that neither has learned from. */
async function compareWithStart(
  experiment: SftExperiment,
  given: DataSet,
  startFolder: string,
  folder: string,
): Promise<void> {
  const [before, after] = await Promise.all([readModelFolder(startFolder), readModelFolder(folder)]);
  const pairs = unseenPairs(heldOutPairs(experiment, given, before), after.card);
  const { scaleSize } = experiment.prompt;
  const [old, now] = [
    await predictionsOf(onScale(before, scaleSize), pairs),
    await predictionsOf(onScale(after, scaleSize), pairs),
  ];
  disposeLabModel(before);
  disposeLabModel(after);
  for (const line of describeContinuation(compareContinuation(old, now, scaleSize))) note(line);
}
