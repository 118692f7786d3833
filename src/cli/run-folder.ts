/**
 * Where experiments keep their runs: a folder per start and per run, named by a hash of everything that decides it. Runs
 * that two recipes have in common are made once, and a run that was interrupted goes on from its last checkpoint.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import * as v from 'valibot';
import { hashHex } from '../common/rng.ts';
import { parseConfig } from '../config/parse.ts';
import type { TrainingPrecision } from '../config/sft-config.ts';
import { type GrpoCheckpoint, readGrpoCheckpoint, writeGrpoCheckpoint } from '../runs/grpo-checkpoint.ts';
import type { DistillExperiment } from '../protocol/distill-experiment.ts';
import { SeedResultSchema } from '../protocol/experiment-results.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import type { OrderExperiment } from '../protocol/order-experiment.ts';
import { canonicalJson } from '../relevance/rules/instruction.ts';
import type { GrpoStep } from '../train/grpo-telemetry.ts';
import { writeWhole } from './model-folder.ts';

/** A run that has ended, with what made it. */
const FinishedRunSchema = v.strictObject({ commit: v.string(), device: v.string(), result: SeedResultSchema });
export type FinishedRun = v.InferOutput<typeof FinishedRunSchema>;

/** The folder of one run. */
export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Takes the run for this process, so that several can share an experiment.
   *
   * @returns false if a process that is still there is at it
   */
  async claim(): Promise<boolean> {
    await mkdir(this.path, { recursive: true });
    const path = join(this.path, 'claim');
    for (;;) {
      try {
        await writeFile(path, String(process.pid), { flag: 'wx' });
        return true;
      } catch (error) {
        if (!isErrno(error, 'EEXIST')) throw error;
      }
      const owner = Number(await readIfThere(path));
      if (owner === process.pid) return true;
      if (isAlive(owner)) return false;
      await rm(path, { force: true });
    }
  }

  /** Gives the run back, ended or not. */
  async release(): Promise<void> {
    await rm(join(this.path, 'claim'), { force: true });
  }

  async readFinished(): Promise<FinishedRun | undefined> {
    const text = await readIfThere(join(this.path, 'result.json'));
    return text === undefined ? undefined : parseJsonFile(join(this.path, 'result.json'), FinishedRunSchema, text);
  }

  async writeFinished(run: FinishedRun): Promise<void> {
    await writeWhole(join(this.path, 'result.json'), `${JSON.stringify(run)}\n`);
  }

  /**
   * The result of the run, made if it is not there yet.
   *
   * @param make - makes the result and writes it
   * @returns undefined if another process is at it
   */
  async once(make: () => Promise<FinishedRun['result']>): Promise<FinishedRun['result'] | undefined> {
    const finished = await this.readFinished();
    if (finished !== undefined) return finished.result;
    if (!(await this.claim())) return undefined;
    try {
      return await make();
    } finally {
      await this.release();
    }
  }

  /** The bytes of the last checkpoint, whatever kind of run it is of. */
  readCheckpointBytes(): Promise<Uint8Array | undefined> {
    return readBytesIfThere(join(this.path, 'checkpoint.safetensors'));
  }

  /** Writes a checkpoint, and the settings beside it for people to read. */
  async writeCheckpointBytes(experiment: object, bytes: Uint8Array): Promise<void> {
    await mkdir(this.path, { recursive: true });
    await writeWhole(join(this.path, 'experiment.json'), `${JSON.stringify(experiment, null, 1)}\n`);
    await writeWhole(join(this.path, 'checkpoint.safetensors'), bytes);
  }

  async readCheckpoint(): Promise<GrpoCheckpoint | undefined> {
    const bytes = await this.readCheckpointBytes();
    return bytes === undefined ? undefined : readGrpoCheckpoint(bytes);
  }

  /** Writes a checkpoint, and the records of all steps that led to it. */
  async writeCheckpoint(checkpoint: GrpoCheckpoint, records: readonly GrpoStep[]): Promise<void> {
    const lines = records.map((record) => JSON.stringify(record)).join('\n');
    // The records first: more of them than steps in the checkpoint are cut when it is read, fewer would be missed.
    await mkdir(this.path, { recursive: true });
    await writeWhole(join(this.path, 'steps.jsonl'), `${lines}\n`);
    await this.writeCheckpointBytes(checkpoint.experiment, writeGrpoCheckpoint(checkpoint));
  }

  /** The records of the first `count` steps. */
  async readRecords(count: number): Promise<GrpoStep[]> {
    const text = (await readIfThere(join(this.path, 'steps.jsonl'))) ?? '';
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.slice(0, count).map((line) => JSON.parse(line) as GrpoStep);
  }
}

/**
 * The folder of a run among those of experiments.
 *
 * @param startHash - of the weights that the run begins with
 */
export function experimentRunFolder(root: string, experiment: GrpoExperiment, startHash: string): RunFolder {
  return new RunFolder(join(root, 'grpo', hashHex(canonicalJson([identityOf(experiment), startHash]))));
}

/**
 * What names a run: the form that settings had when rule worlds were all there was, and settings that came later only
 * where they are used; so runs made before are found.
 */
function identityOf({ passRates, grpo: { curriculum, ...grpo }, ...experiment }: GrpoExperiment): object {
  const { data, ...others } = experiment;
  const { kind, ...world } = data;
  return {
    ...others,
    ...(kind === 'world' ? { world } : { data }),
    ...(passRates === null ? {} : { passRates }),
    grpo: { ...precisionIfMixed(grpo), ...(curriculum.kind === 'random' ? {} : { curriculum }) },
  };
}

/** Settings from before there was mixed precision had none. */
function precisionIfMixed(settings: { readonly precision: TrainingPrecision }): object {
  const { precision, ...others } = settings;
  return precision === 'f32' ? others : settings;
}

/** The same for a student. */
export function distillRunFolder(root: string, experiment: DistillExperiment, teacherHash: string): RunFolder {
  const identity = { ...experiment, distill: precisionIfMixed(experiment.distill) };
  return new RunFolder(join(root, 'distill', hashHex(canonicalJson([identity, teacherHash]))));
}

/** The same for a run with an order of completions of its own. */
export function orderRunFolder(root: string, experiment: OrderExperiment): RunFolder {
  const identity = { ...experiment, sft: precisionIfMixed(experiment.sft) };
  return new RunFolder(join(root, 'order', hashHex(canonicalJson(identity))));
}

/**
 * What is measured once per start and kept.
 *
 * @param measure - called if it has not been measured yet
 */
export async function measuredOnce<T>(
  folder: string,
  name: string,
  schema: v.GenericSchema<unknown, T>,
  measure: () => Promise<T>,
): Promise<T> {
  const path = join(folder, `${name}.json`);
  const text = await readIfThere(path);
  if (text !== undefined) return parseJsonFile(path, schema, text);
  const measured = await measure();
  await mkdir(folder, { recursive: true });
  await writeWhole(path, `${JSON.stringify(measured)}\n`);
  return measured;
}

function parseJsonFile<T>(path: string, schema: v.GenericSchema<unknown, T>, text: string): T {
  let data: unknown = null;
  try {
    data = JSON.parse(text) as unknown;
  } catch {
    // the schema says what was expected
  }
  return parseConfig(path, schema, data);
}

async function readIfThere(path: string): Promise<string | undefined> {
  const bytes = await readBytesIfThere(path);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

async function readBytesIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Whether a process is there; a claim that is empty is one that is just being written. */
function isAlive(processId: number): boolean {
  if (!Number.isInteger(processId) || processId <= 0) return true;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return !isErrno(error, 'ESRCH');
  }
}
