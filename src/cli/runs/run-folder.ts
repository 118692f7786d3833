/**
 * Run folders of studies: one folder per run, named by a hash of everything that determines the run. Runs that two
 * studies share are made once, several processes can work on one study, and an interrupted run resumes from its last
 * checkpoint. Other measurements of a study are stored as JSON files, each made once.
 */
import { createHash } from 'node:crypto';
import { link, mkdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import * as v from 'valibot';
import { hashHex } from '../../common/rng.ts';
import type { TrainingPrecision } from '../../config/sft-config.ts';
import { type GrpoCheckpoint, readGrpoCheckpoint, writeGrpoCheckpoint } from '../../runs/grpo-checkpoint.ts';
import type { DistillExperiment } from '../../protocol/distill-experiment.ts';
import type { GrpoExperiment } from '../../protocol/grpo-experiment.ts';
import type { OrderExperiment } from '../../protocol/order-experiment.ts';
import { renameOldKeys } from '../../protocol/renamed-keys.ts';
import {
  NO_REMARKS,
  type RunCompletions,
  type RunDescription,
  type RunWatch,
  type TrackedRun,
} from '../../protocol/tracked-run.ts';
import { ActiveTime } from '../../runs/active-time.ts';
import { recordFiles } from '../../runs/run-record.ts';
import { describeGrpo } from '../../runs/run-summary.ts';
import { newId } from '../../checkpoint/manifest.ts';
import { canonicalJson } from '../../relevance/rules/instruction.ts';
import type { GrpoStep } from '../../train/grpo-telemetry.ts';
import { writeTogether, writeWhole } from '../outputs.ts';
import { readIfThere, readJson, readRecordIfWhole, readTextIfThere } from './read-files.ts';
import { BEST_FILE, RunWatcher } from './run-watcher.ts';
import { isAlive, isErrno, systemError } from '../system-errors.ts';

/** The origin of results, stored with them. */
export interface MadeBy {
  readonly commit: string;
  readonly device: string;
}

/** The folder of one run. */
export class RunFolder {
  readonly path: string;
  readonly #time = new ActiveTime(() => performance.now());
  /** Undefined where nobody has begun the run here, as where it is only read. */
  #completions: Map<number, RunCompletions> | undefined;
  #watcher = RunWatcher.NONE;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Begins or continues the record of a run that is made now.
   *
   * @param step - of its checkpoint, from which it continues
   * @param watch - the rule it is given; a run that continues keeps its own
   * @throws {LabError} `bad-config` if it continues and is given another rule
   */
  async begin(step: number, watch: RunWatch | null = null): Promise<void> {
    const kept = step === 0 ? undefined : await readRecordIfWhole(this.path);
    this.#watcher = await RunWatcher.begin(this.path, step, kept?.run, watch);
    const completions = (kept?.completions ?? []).filter((one) => one.step <= step);
    this.#completions = new Map(completions.map((one) => [one.step, one]));
    this.#time.continue(step, kept?.run);
    this.#time.go();
  }

  /** Notes what the run completed when it was measured. */
  measured(step: number, answers: RunCompletions['answers']): void {
    this.#time.mark(step);
    if (answers.length > 0) this.#completions?.set(step, { step, answers });
  }

  /**
   * Does work while no other process works on this run.
   *
   * @returns undefined if another process works on it
   */
  async alone<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (!(await this.#claim())) return undefined;
    const path = join(this.path, 'claim');
    const refresh = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), REFRESH_MS);
    try {
      return await work();
    } finally {
      clearInterval(refresh);
      await rm(path, { force: true });
    }
  }

  /**
   * The result of the run, made unless it is stored.
   *
   * @returns undefined if another process works on it
   * @throws {LabError} `bad-config` if the stored result does not have the schema
   */
  async once<T>(
    schema: v.GenericSchema<unknown, T>,
    { commit, device }: MadeBy,
    make: () => Promise<T>,
  ): Promise<T | undefined> {
    const path = join(this.path, 'result.json');
    const finished = v.strictObject({ commit: v.string(), device: v.string(), result: schema });
    const kept = await readJson(path, finished);
    if (kept !== undefined) {
      // A process that was killed between its result and the end of its claim leaves the claim.
      await this.#isFree();
      return kept.result;
    }
    return this.alone(async () => {
      // Another process may have finished the run between the first look and the claim.
      const meanwhile = await readJson(path, finished);
      if (meanwhile !== undefined) return meanwhile.result;
      const result = await make();
      await writeWhole(path, `${JSON.stringify({ commit, device, result })}\n`);
      return result;
    });
  }

  /** False if a live process works on the run. */
  async #claim(): Promise<boolean> {
    await mkdir(this.path, { recursive: true });
    const path = join(this.path, 'claim');
    for (;;) {
      if (await claimed(path)) return true;
      if (Number(await readTextIfThere(path)) === process.pid) return true;
      if (!(await this.#isFree())) return false;
    }
  }

  /** Whether no live process has claimed the run; removes the claim of one that is gone. */
  async #isFree(): Promise<boolean> {
    const path = join(this.path, 'claim');
    const text = await readTextIfThere(path);
    if (text === undefined) return true;
    if (isAlive(Number(text)) && !(await isAbandoned(path))) return false;
    await removeClaim(path, text);
    return true;
  }

  /** The bytes of the last checkpoint, of any kind of run. */
  readCheckpointBytes(): Promise<Uint8Array | undefined> {
    return readIfThere(join(this.path, 'checkpoint.safetensors'));
  }

  /** The best checkpoint by the run's rule; undefined if there is none. */
  readBestBytes(): Promise<Uint8Array | undefined> {
    return this.#watcher.watch === null ? Promise.resolve(undefined) : readIfThere(join(this.path, BEST_FILE));
  }

  /** The rule of the run. */
  get watch(): RunWatch | null {
    return this.#watcher.watch;
  }

  /** Whether the run's rule ends it at a checkpoint. */
  endsAt(description: RunDescription): boolean {
    return this.#watcher.endsAt(description);
  }

  /** Writes a checkpoint, and the record of the run beside it. */
  async writeCheckpointBytes(description: RunDescription, bytes: Uint8Array): Promise<void> {
    const isBest = this.#watcher.isBest(description);
    const run = await this.#recordOf(description);
    const completions = [...(this.#completions?.values() ?? [])].filter(({ step }) => step <= description.step);
    const files = new Map<string, string | Uint8Array>(Object.entries(recordFiles({ run, completions })));
    // The checkpoint comes after the record and decides where the run resumes, so the record is never behind it. The
    // copy of the best one comes last, so it is never ahead.
    files.set('checkpoint.safetensors', bytes);
    await writeTogether(this.path, isBest ? files.set(BEST_FILE, bytes) : files);
  }

  /** The record of the run, with the id, the start and the remarks of the one that is there. */
  async #recordOf(description: RunDescription): Promise<TrackedRun> {
    const kept = await readRecordIfWhole(this.path);
    const updatedAt = Date.now();
    const isOver = description.step >= description.steps || this.endsAt(description);
    const state = isOver ? 'finished' : 'stopped';
    const created = {
      schemaVersion: 1 as const,
      id: newId(),
      parentId: null,
      startedAt: updatedAt,
      queuedAt: null,
      startUrl: null,
      watch: null,
      best: null,
      ...NO_REMARKS,
    };
    const isTimed = this.#completions !== undefined;
    const curve = isTimed ? this.#time.marked(description.curve) : description.curve;
    const activeMs = isTimed ? this.#time.total() : null;
    const watched = isTimed ? { watch: this.#watcher.watch, best: this.#watcher.best } : {};
    return { ...(kept?.run ?? created), ...description, ...watched, curve, activeMs, state, updatedAt };
  }

  async readCheckpoint(): Promise<GrpoCheckpoint | undefined> {
    const bytes = await this.readCheckpointBytes();
    return bytes === undefined ? undefined : readGrpoCheckpoint(bytes);
  }

  /** Writes a checkpoint, the records of all steps before it, and the measurements so far. */
  async writeCheckpoint(checkpoint: GrpoCheckpoint, records: readonly GrpoStep[]): Promise<void> {
    const lines = records.map((record) => JSON.stringify(record)).join('\n');
    // Records come first: surplus records are cut on reading, missing ones could not be restored.
    await writeWhole(join(this.path, 'steps.jsonl'), `${lines}\n`);
    const curve = checkpoint.curve.map((point) => `${JSON.stringify(point)}\n`);
    await writeWhole(join(this.path, 'curve.jsonl'), curve.join(''));
    await this.writeCheckpointBytes(describeGrpo(checkpoint), writeGrpoCheckpoint(checkpoint));
  }

  /** The records of the first `count` steps. */
  async readRecords(count: number): Promise<GrpoStep[]> {
    const text = (await readTextIfThere(join(this.path, 'steps.jsonl'))) ?? '';
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.slice(0, count).map((line) => renameOldKeys(JSON.parse(line)) as GrpoStep);
  }
}

/**
 * The folder of a run among those of all studies.
 *
 * @param identity - everything that decides the result
 */
export function studyRunFolder(root: string, kind: string, identity: unknown): RunFolder {
  return new RunFolder(join(root, kind, hashHex(canonicalJson(identity))));
}

/** A hash of the contents of files, as part of the identity of runs on them. */
export function hashOfFiles(contents: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const bytes of contents) hash.update(createHash('sha256').update(bytes).digest());
  return hash.digest('hex');
}

/** The folder of a GRPO run. @param startHash - of the weights that the run begins with */
export function experimentRunFolder(root: string, experiment: GrpoExperiment, startHash: string): RunFolder {
  return studyRunFolder(root, 'grpo', [identityOf(experiment), startHash]);
}

/**
 * The identity of a run: settings in the form they had when there were only rule worlds, plus later settings where they
 * differ from that time, so that runs made before are found.
 */
function identityOf({
  passRates,
  reward: { own, ...reward },
  grpo: { curriculum, decoding, ...grpo },
  ...experiment
}: GrpoExperiment): object {
  const { data, ...others } = experiment;
  const { kind, ...world } = data;
  return {
    ...others,
    reward: own === null ? reward : { ...reward, own },
    ...(kind === 'world' ? { world } : { data }),
    ...(passRates === null ? {} : { passRates }),
    grpo: {
      ...precisionIfMixed(grpo),
      ...(curriculum.kind === 'random' ? {} : { curriculum }),
      ...(decoding === 'free' ? {} : { decoding }),
    },
  };
}

/** Omits the precision if it is f32, because settings from before mixed precision have none. */
function precisionIfMixed(settings: { readonly precision: TrainingPrecision }): object {
  const { precision, ...others } = settings;
  return precision === 'f32' ? others : settings;
}

/** The folder of a student's run. */
export function distillRunFolder(root: string, experiment: DistillExperiment, teacherHash: string): RunFolder {
  const { decoding, ...distill } = experiment.distill;
  const held = decoding === 'free' ? {} : { decoding };
  return studyRunFolder(root, 'distill', [
    { ...experiment, distill: { ...precisionIfMixed(distill), ...held } },
    teacherHash,
  ]);
}

/** The folder of a run with another order of completions. */
export function orderRunFolder(root: string, experiment: OrderExperiment): RunFolder {
  return studyRunFolder(root, 'order', { ...experiment, sft: precisionIfMixed(experiment.sft) });
}

/**
 * How often a claim is refreshed, and the age at which a claim that is not refreshed is taken over, because its process
 * id may belong to another process by then.
 */
const [REFRESH_MS, ABANDONED_MS] = [10_000, 300_000];

/**
 * Makes a claim that has its owner in it from the first moment, so that a process killed here leaves none.
 *
 * @returns false if there is one already
 */
async function claimed(path: string): Promise<boolean> {
  const own = `${path}.${process.pid}`;
  const owner = String(process.pid);
  try {
    await writeFile(own, owner);
    await link(own, path).catch((error: unknown) => {
      if (isErrno(error, 'EEXIST')) throw error;
      return writeFile(path, owner, { flag: 'wx' }); // a disk without hard links
    });
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw systemError(error, `write ${path}`);
  } finally {
    await rm(own, { force: true });
  }
}

/**
 * Removes the claim of a process that is gone. Of several processes that see it only one can move it away; if another
 * has claimed the run in the meantime, its claim is put back.
 */
async function removeClaim(path: string, text: string): Promise<void> {
  const moved = `${path}.${process.pid}`;
  try {
    await rename(path, moved);
    if ((await readTextIfThere(moved)) !== text) await link(moved, path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT') && !isErrno(error, 'EEXIST')) throw systemError(error, `take over ${path}`);
  } finally {
    await rm(moved, { force: true });
  }
}

/** Whether a claim has not been refreshed for a long time. */
async function isAbandoned(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > ABANDONED_MS;
}
