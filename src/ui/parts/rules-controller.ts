/**
 * Rules of one's own beside a file of judged pairs: has them read in the thread that will learn, and keeps what was found, or
 * why they cannot be used, for one element. Which rules are rare depends on the pairs to learn from, so they are read again
 * for other data, for which their files are kept as handles.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { RulesSummary } from '../../protocol/imported-data.ts';
import type { TrainingClient } from './training-client.ts';

export interface RulesState {
  /** Names of the files being read. */
  readonly reading: string | undefined;
  readonly summary: RulesSummary | undefined;
  readonly failure: Failure | undefined;
}

/** What the rules are for: judged pairs, and the labels on their scale. */
export interface RulesPurpose {
  readonly data: unknown;
  readonly scaleSize: number;
}

/** Gives the thread that reads. */
export type OpenRulesReader = () => Promise<Pick<TrainingClient, 'readRules'>>;

/** Data with the rules that were read for it; as it is, where none were. */
export function withOwnRules<Data extends { readonly kind: string }>(data: Data, { summary }: RulesState): Data {
  // The thread that learns checks them, as it checks all settings.
  return data.kind === 'file' && summary !== undefined ? { ...data, rules: summary.rules } : data;
}

const NO_OWN_RULES: RulesState = { reading: undefined, summary: undefined, failure: undefined };

export class RulesController implements ReactiveController {
  state: RulesState = NO_OWN_RULES;
  readonly #host: ReactiveControllerHost;
  #files: readonly File[] = [];
  #purpose = '';
  #request = 0;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#request += 1;
  }

  /** Reads files of rules. */
  async read(open: OpenRulesReader, files: readonly File[], { data, scaleSize }: RulesPurpose): Promise<void> {
    this.#request += 1;
    const request = this.#request;
    const names = files.map(({ name }) => name).join(' and ');
    this.#files = files;
    this.#purpose = JSON.stringify([data, scaleSize]);
    this.#show({ ...NO_OWN_RULES, reading: names });
    try {
      const client = await open();
      const named = files.map((file) => ({ name: file.name, blob: file }));
      const summary = await client.readRules({ files: named, data, scaleSize });
      if (request === this.#request) this.#show({ ...NO_OWN_RULES, summary });
    } catch (thrown) {
      if (request === this.#request) this.#show({ ...NO_OWN_RULES, failure: failureOf(thrown) });
    }
  }

  /** Reads the rules that stand once more, if they were read for something else. */
  async readFor(open: OpenRulesReader, purpose: RulesPurpose): Promise<void> {
    const { data, scaleSize } = purpose;
    if (this.#files.length === 0 || this.#purpose === JSON.stringify([data, scaleSize])) return;
    await this.read(open, this.#files, purpose);
  }

  /** Goes without own rules. */
  drop(): void {
    this.#request += 1;
    this.#files = [];
    this.#purpose = '';
    this.#show(NO_OWN_RULES);
  }

  #show(state: RulesState): void {
    this.state = state;
    this.#host.requestUpdate();
  }
}
