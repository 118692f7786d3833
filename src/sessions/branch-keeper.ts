/**
 * Writes one branch of a demonstration to the browser's storage: that it is under way, and its checkpoints. What cannot be
 * written is told, and does not end the branch.
 */
import type { DataToKeep } from '../checkpoint/kept-data.ts';
import type { RunLease } from '../checkpoint/open-runs.ts';
import { failureOf } from '../protocol/failure.ts';
import { BRANCH_KIND, type BranchRecord, type GrpoEvent } from '../protocol/grpo.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import { type KeptBranch, writeKeptBranch } from './kept-branch.ts';
import type { RunStore } from './run-store.ts';

/** Automatic checkpoints of a branch that are kept. */
const KEPT_CHECKPOINTS = 2;

/** What is known of a branch from its beginning. */
export interface BranchIdentity {
  readonly runId: string;
  readonly record: BranchRecord;
  readonly experiment: GrpoExperiment;
  /** The kept checkpoint that it goes on from; null if it begins, or was forked where none is kept. */
  readonly parentId: string | null;
  /** Where it comes from, in words. */
  readonly origin: string;
}

export class BranchKeeper {
  readonly #identity: BranchIdentity;
  readonly #openStore: () => Promise<RunStore>;
  readonly #emit: (event: GrpoEvent) => void;
  readonly #ids = new Map<number, string>();
  #lastId: string | null;
  #lease: RunLease | undefined;

  constructor(identity: BranchIdentity, openStore: () => Promise<RunStore>, emit: (event: GrpoEvent) => void) {
    this.#identity = identity;
    this.#openStore = openStore;
    this.#emit = emit;
    this.#lastId = identity.parentId;
  }

  /**
   * Writes down that the branch is under way.
   *
   * @param data - the imported data set that it learns from
   */
  async begin(step: number, data: DataToKeep | undefined): Promise<void> {
    const { runId, record, experiment } = this.#identity;
    await this.#try(step, async () => {
      const store = await this.#openStore();
      const run = {
        id: runId,
        name: record.name,
        kind: BRANCH_KIND,
        configJson: JSON.stringify(record),
        totalSteps: experiment.grpo.steps,
        startedAt: Date.now(),
      };
      this.#lease = await store.runs.start(run, data);
    });
  }

  /** Keeps a checkpoint. */
  async keep(kept: KeptBranch): Promise<void> {
    const { runId, record, experiment, origin } = this.#identity;
    const { step } = kept.checkpoint.state;
    await this.#try(step, async () => {
      const store = await this.#openStore();
      const info = {
        name: `${record.name}, step ${step}`,
        note: origin,
        kind: BRANCH_KIND,
        isAutomatic: true,
        runId,
        parentId: this.#lastId,
        modelName: record.name,
        // By this name the store keeps imported data for as long as a checkpoint needs it.
        worldHash: experiment.data.kind === 'file' ? experiment.data.sha256 : kept.checkpoint.dataHash,
        step,
        configJson: JSON.stringify(kept.checkpoint.experiment),
      };
      const { id } = await store.save(info, writeKeptBranch(kept), { keepLast: KEPT_CHECKPOINTS });
      this.#lastId = id;
      this.#ids.set(step, id);
    });
  }

  /** The kept checkpoint after a number of steps, which may be gone by now; null if none was kept. */
  idAt(step: number): string | null {
    return this.#ids.get(step) ?? null;
  }

  /** Forgets that the branch was under way; its checkpoints stay. */
  async forget(step: number): Promise<void> {
    await this.#try(step, async () => this.#lease?.finish());
    this.#lease = undefined;
  }

  /** Leaves it to be gone on with. */
  release(): void {
    this.#lease?.release();
    this.#lease = undefined;
  }

  async #try(step: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.#emit({ kind: 'unsaved', branch: this.#identity.record.branch, step, ...failureOf(thrown) });
    }
  }
}
