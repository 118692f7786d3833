/**
 * The effect of many rules on the same pairs. Refinement asks thousands of times what a rule does to a set of pairs, so
 * facts are read once per pair, each condition is executed once per pair, and the rest is counting.
 */
import { fires } from './execute.ts';
import { type Facts, readFacts } from './facts.ts';
import { canonicalJson, type Instruction, type Rule } from './instruction.ts';
import type { Lexicon } from '../pair/lexicon.ts';
import type { JudgedPair } from '../pair/pair.ts';
import type { Criterion } from '../pair/vocabulary.ts';

/** The value for "no rule fired". */
export const NO_LABEL = -1;

/** Judged pairs, and on which of them each condition holds. */
export class FiringTable {
  readonly pairs: readonly JudgedPair[];
  readonly facts: readonly Facts[];
  /** Gold labels [N]. */
  readonly gold: Uint8Array;
  /** The index of each pair's query [N], in order of appearance. */
  readonly queryOf: Uint32Array;
  readonly queryCount: number;
  readonly #fired = new Map<string, Uint8Array>();

  /** @param facts - of the pairs, where they were read already */
  constructor(lexicon: Lexicon, pairs: readonly JudgedPair[], facts?: readonly Facts[]) {
    const queries = new Map<string, number>();
    this.pairs = pairs;
    this.facts = facts ?? pairs.map((pair) => readFacts(lexicon, pair));
    this.gold = Uint8Array.from(pairs, ({ label }) => label);
    this.queryOf = Uint32Array.from(pairs, ({ queryId }) => {
      const known = queries.get(queryId) ?? queries.size;
      queries.set(queryId, known);
      return known;
    });
    this.queryCount = queries.size;
  }

  get size(): number {
    return this.pairs.length;
  }

  /** 1 where a rule's condition holds within its scope, else 0 [N]. */
  fires({ when, scope }: Pick<Rule, 'when' | 'scope'>): Uint8Array {
    const rule = scope === undefined ? { when } : { when, scope };
    const key = canonicalJson(rule);
    const known = this.#fired.get(key);
    if (known !== undefined) return known;
    const fired =
      when.kind === 'unasked-word' && when.words.length > 1
        ? this.#anyOf(when.words.map((word) => this.fires({ ...rule, when: { ...when, words: [word] } })))
        : Uint8Array.from(this.facts, (facts) => (fires(rule, facts) === undefined ? 0 : 1));
    this.#fired.set(key, fired);
    return fired;
  }

  #anyOf(parts: readonly Uint8Array[]): Uint8Array {
    const any = new Uint8Array(this.size);
    for (const part of parts) for (let i = 0; i < any.length; i++) any[i] = (any[i] ?? 0) | (part[i] ?? 0);
    return any;
  }
}

/** The table of many pairs, read with pauses. */
export async function readTable(
  lexicon: Lexicon,
  pairs: readonly JudgedPair[],
  pause: () => Promise<void>,
): Promise<FiringTable> {
  const facts: Facts[] = [];
  for (const pair of pairs) {
    facts.push(readFacts(lexicon, pair));
    await pause();
  }
  return new FiringTable(lexicon, pairs, facts);
}

/** The winning rule of one criterion on each pair [N], by index in the instruction; -1 where none fires. */
export function winners(instruction: Instruction, criterion: Criterion, table: FiringTable): Int16Array {
  const winner = new Int16Array(table.size).fill(-1);
  for (const [index, rule] of instruction.rules.entries()) {
    if (rule.criterion !== criterion) continue;
    const fired = table.fires(rule);
    for (let i = 0; i < winner.length; i++) if (winner[i] === -1 && fired[i] === 1) winner[i] = index;
  }
  return winner;
}

/** The label that an instruction gives each pair [N], as `executeFacts` does; {@link NO_LABEL} where no rule fires. */
export function predict(instruction: Instruction, table: FiringTable): Int8Array {
  const labels = new Int8Array(table.size).fill(NO_LABEL);
  for (const criterion of new Set(instruction.rules.map((rule) => rule.criterion))) {
    const winner = winners(instruction, criterion, table);
    for (let i = 0; i < labels.length; i++) {
      const cap = instruction.rules[winner[i] ?? -1]?.cap;
      if (cap === undefined) continue;
      const label = labels[i] ?? NO_LABEL;
      labels[i] = label === NO_LABEL ? cap : Math.min(label, cap);
    }
  }
  return labels;
}

/**
 * The rule that decides each pair [N], by index in the instruction: the first winner whose cap is the label; -1 where
 * none fires.
 */
export function deciders(instruction: Instruction, labels: Int8Array, table: FiringTable): Int16Array {
  const deciding = new Int16Array(table.size).fill(-1);
  for (const criterion of new Set(instruction.rules.map((rule) => rule.criterion))) {
    const winner = winners(instruction, criterion, table);
    for (let i = 0; i < deciding.length; i++) {
      const rule = winner[i] ?? -1;
      if (rule === -1 || instruction.rules[rule]?.cap !== labels[i]) continue;
      const known = deciding[i] ?? -1;
      deciding[i] = known === -1 ? rule : Math.min(known, rule);
    }
  }
  return deciding;
}
