/**
 * Rows that are decoded under an automaton: the state of each, which tokens it may take next, and what a token changes.
 */
import { TAG_LABEL, TAG_RESTATED, TAG_RULE } from '../../kernels/held-tags.ts';
import { CompletionAutomaton } from './completion-automaton.ts';

/** Where a row is in its completion. */
export interface HeldRow {
  readonly automaton: CompletionAutomaton;
  readonly state: number;
  /** The label token, once it has come; else -1. */
  readonly label: number;
  /** The tags of the rules that have been cited. */
  readonly cited: ReadonlySet<number>;
  /** Tokens so far. */
  readonly length: number;
  /** The most tokens of the completion, its end token included. */
  readonly limit: number;
}

/** A row before its first token. */
export function heldRow(automaton: CompletionAutomaton, limit: number): HeldRow {
  const shortest = automaton.remaining(CompletionAutomaton.START);
  // A limit that no completion fits into cuts one off, as it does when nothing is held.
  const state = CompletionAutomaton.START;
  return { automaton, state, label: -1, cited: new Set(), length: 0, limit: limit < shortest ? Infinity : limit };
}

/** The tokens that a row may take, in ascending order; empty after the end token. */
export function allowedTokens({ automaton, state, label, cited, length, limit }: HeldRow): Int32Array {
  const { ids, next, tags } = automaton.choices(state);
  return ids.filter((id, i) => {
    const tag = tags[i] ?? 0;
    if (tag === TAG_RESTATED && id !== label) return false;
    if (tag >= TAG_RULE && tag < TAG_LABEL && cited.has(tag)) return false;
    return length + 1 + automaton.remaining(next[i] ?? 0) <= limit;
  });
}

/** The row after a token; undefined if it may not take it. */
export function advanced(row: HeldRow, token: number): HeldRow | undefined {
  const { ids, next, tags } = row.automaton.choices(row.state);
  const at = ids.indexOf(token);
  if (at < 0) return undefined;
  const tag = tags[at] ?? 0;
  return {
    ...row,
    state: next[at] ?? CompletionAutomaton.END,
    label: tag === TAG_LABEL ? token : row.label,
    cited: tag >= TAG_RULE && tag < TAG_LABEL ? new Set([...row.cited, tag]) : row.cited,
    length: row.length + 1,
  };
}

/** What each token of a completion could have been. */
export function allowedAlong(start: HeldRow, ids: readonly number[]): Int32Array[] {
  let row: HeldRow | undefined = start;
  return ids.map((id) => {
    const allowed = row === undefined ? new Int32Array() : allowedTokens(row);
    row = row === undefined ? undefined : advanced(row, id);
    return allowed;
  });
}

/**
 * The forward passes that a completion takes by itself: one for each token, but none for a token that was the only one
 * it could have had.
 */
export function passesAlong(start: HeldRow, ids: readonly number[]): number {
  return allowedAlong(start, ids).filter(({ length }) => length !== 1).length;
}
