/**
 * The user's own rules for a file of judged pairs: reads them in the training worker, and holds the summary or the
 * failure for one element. Handles of the files are kept, because the rules are read again for other data: which rules
 * are rare depends on the training pairs.
 */
import { initialState, Task, TaskStatus } from '@lit/task';
import type { ReactiveControllerHost } from 'lit';
import { type Failure, failureOf } from '../../../protocol/failure.ts';
import type { RulesSummary } from '../../../protocol/imported-data.ts';
import type { SftExperiment } from '../../../protocol/sft-experiment.ts';
import type { TrainingClient } from '../sessions/training-client.ts';

export interface RulesState {
  /** Names of the files being read. */
  readonly reading: string | undefined;
  readonly summary: RulesSummary | undefined;
  readonly failure: Failure | undefined;
}

/** The use of the rules: judged pairs, and the number of labels on their scale. */
export interface RulesPurpose {
  readonly data: unknown;
  readonly scaleSize: number;
}

const NO_PURPOSE: RulesPurpose = { data: null, scaleSize: 0 };

/** Opens the worker that reads rules. */
export type OpenRulesReader = () => Promise<Pick<TrainingClient, 'readRules'>>;

/** The purpose of rules in a run. */
export function purposeOf({ data, prompt }: SftExperiment): RulesPurpose {
  if (data.kind === 'world') return { data, scaleSize: prompt.scaleSize };
  const { rules: _, ...bare } = data;
  return { data: bare, scaleSize: prompt.scaleSize };
}

/** Data with the rules that were read for it; unchanged where there are none. */
export function withOwnRules<Data extends { readonly kind: string }>(data: Data, { summary }: RulesState): Data {
  // The training worker checks them, as it checks all settings.
  return data.kind === 'file' && summary !== undefined ? { ...data, rules: summary.rules } : data;
}

export class RulesController {
  /** Reads nothing while undefined. */
  readonly #task: Task<readonly [OpenRulesReader | undefined, RulesPurpose], RulesSummary>;
  #files: readonly File[] = [];
  #purpose = '';

  constructor(host: ReactiveControllerHost) {
    this.#task = new Task(host, {
      autoRun: false,
      task: async ([open, { data, scaleSize }]) => {
        if (open === undefined) return initialState;
        const files = this.#files.map((file) => ({ name: file.name, blob: file }));
        return (await open()).readRules({ files, data, scaleSize });
      },
    });
  }

  get state(): RulesState {
    const { status, value, error } = this.#task;
    const isReading = status === TaskStatus.PENDING && this.#files.length > 0;
    return {
      reading: isReading ? this.#files.map(({ name }) => name).join(' and ') : undefined,
      // The task keeps its last value when it has returned to its initial state.
      summary: status === TaskStatus.COMPLETE ? value : undefined,
      failure: status === TaskStatus.ERROR ? failureOf(error) : undefined,
    };
  }

  /**
   * Reads files of rules; drops those in use where there are none.
   *
   * @param purpose - undefined while the settings are invalid: they are read once {@link readFor} has one
   */
  async read(open: OpenRulesReader, files: readonly File[], purpose: RulesPurpose | undefined): Promise<void> {
    this.#files = files;
    this.#purpose = purpose === undefined ? '' : JSON.stringify(purpose);
    const isRead = files.length > 0 && purpose !== undefined;
    await this.#task.run([isRead ? open : undefined, purpose ?? NO_PURPOSE]);
  }

  /** Drops the rules in use in favour of files that cannot be read. */
  async refuse(problem: Error): Promise<void> {
    this.#files = [];
    this.#purpose = '';
    await this.#task.run([() => Promise.reject(problem), NO_PURPOSE]);
  }

  /** Reads the rules in use again, if they were read for another purpose. */
  async readFor(open: OpenRulesReader, purpose: RulesPurpose): Promise<void> {
    if (this.#files.length > 0 && this.#purpose !== JSON.stringify(purpose))
      await this.read(open, this.#files, purpose);
  }

  /** Removes the rules. */
  drop(): void {
    this.#files = [];
    this.#purpose = '';
    void this.#task.run([undefined, NO_PURPOSE]);
  }
}
