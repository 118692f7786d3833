/** The end of a run on disk, the same for all kinds of runs: whether its rule ended it, and the models that it leaves. */
import { join } from 'node:path';
import { note } from '../terminal.ts';
import type { RunFolder } from './run-folder.ts';

/** What a run has come to, after some of its steps. */
export interface RunEnd {
  readonly step: number;
}

/** What a run had come to at one of its checkpoints. */
export function endAt<Weights, Tokens, Curve>({
  state: { weights, tokens, step },
  curve,
}: {
  readonly state: { readonly weights: Weights; readonly tokens: Tokens; readonly step: number };
  readonly curve: Curve;
}): RunEnd & { readonly weights: Weights; readonly tokens: Tokens; readonly curve: Curve } {
  return { weights, tokens, curve, step };
}

/** Says so where a rule has ended a run. */
export function noteEarlyEnd({ step }: RunEnd, steps: number): void {
  if (step < steps) note(`Ended by its rule after ${step} of ${steps} steps.`);
}

/** How the models of one kind of run are made. */
export interface EndWriter<End extends RunEnd> {
  /** Reads a checkpoint. */
  readonly endIn: (checkpoint: Uint8Array) => End;
  /** Writes a model folder. */
  readonly write: (path: string, end: End) => Promise<void>;
}

/**
 * Writes the model of a run, and beside it that of its best checkpoint, if it has a rule.
 *
 * @returns the folder of the first
 */
export async function writeModels<End extends RunEnd>(
  folder: RunFolder,
  end: End,
  { endIn, write }: EndWriter<End>,
): Promise<string> {
  const best = await folder.readBestBytes();
  if (best !== undefined) {
    const [path, at] = [join(folder.path, 'best'), endIn(best)];
    await write(path, at);
    note(`The best checkpoint is that of step ${at.step}; its model is in ${path}.`);
  }
  const path = join(folder.path, 'model');
  await write(path, end);
  return path;
}
