/**
 * The action of `lab sft`.
 */
import type { StoredDtype } from '../../config/stored.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { readSftCheckpoint } from '../../runs/sft-checkpoint.ts';
import { interruption } from '../interruption.ts';
import { openNodeBackend } from '../node-backend.ts';
import { readDataFiles, type ReadingOptions } from '../pair-files.ts';
import { checkRunFolder } from './resume-check.ts';
import { RunFolder } from './run-folder.ts';
import { watchIn, type WatchOptions } from './run-watcher.ts';
import type { ExplicitSetting } from '../setting-options.ts';
import { resumedSftSettings, type SftSettingOptions, sftSettings } from './sft-settings.ts';
import { trainToFolder } from './supervised-run.ts';
import { note, print } from '../terminal.ts';

export interface SftOptions extends SftSettingOptions, ReadingOptions, WatchOptions {
  readonly out: string;
  readonly dtype: StoredDtype;
  readonly backend: BackendChoice;
  readonly resume?: boolean;
}

export async function runSft(options: SftOptions, explicit: readonly ExplicitSetting[]): Promise<void> {
  const { out, dtype, config, data, docs, queries, rules } = options;
  const watch = watchIn('sft', options);
  const bytes = await new RunFolder(out).readCheckpointBytes();
  await checkRunFolder(bytes, options, [config, ...(data ?? []), docs, queries, rules, options.task]);
  const saved = bytes === undefined ? undefined : readSftCheckpoint(bytes);
  const resumed = saved === undefined ? undefined : await resumedSftSettings(saved, options, explicit);
  const given = data === undefined ? undefined : await readDataFiles(data, options);
  const experiment = resumed ?? (await sftSettings(options, explicit, given));
  const signal = interruption();
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  const device = `${opened.backend}, ${opened.device}`;
  print(await trainToFolder(experiment, { out, saved, given, dtype, watch, device, signal }));
}
