/**
 * Rows decoded under an automaton: their states, the allowed next tokens, and the effect of a token.
 */
import { TAG_LABEL, TAG_RESTATED, TAG_RULE } from '../../kernels/held-tags.ts';
import { CompletionAutomaton } from './completion-automaton.ts';

/** The state of a row. */
export interface HeldRow {
  readonly automaton: CompletionAutomaton;
  readonly state: number;
  /** The label token, or -1 before it. */
  readonly label: number;
  /** The tags of the rules that have been cited. */
  readonly cited: ReadonlySet<number>;
  /** Tokens so far. */
  readonly length: number;
  /** The limit of the completion's length, including its end token. */
  readonly limit: number;
}

/** A row before its first token. */
export function heldRow(automaton: CompletionAutomaton, limit: number): HeldRow {
  const shortest = automaton.remaining(CompletionAutomaton.START);
  // A limit below the shortest completion truncates it, as in free decoding.
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

/** The row after a token; undefined if the token is not allowed. */
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

/** The tokens that were allowed at each position of a completion. */
export function allowedAlong(start: HeldRow, ids: readonly number[]): Int32Array[] {
  let row: HeldRow | undefined = start;
  return ids.map((id) => {
    const allowed = row === undefined ? new Int32Array() : allowedTokens(row);
    row = row === undefined ? undefined : advanced(row, id);
    return allowed;
  });
}

/**
 * The forward passes of a completion generated alone: one per token, but none for a token without alternative.
 */
export function passesAlong(start: HeldRow, ids: readonly number[]): number {
  return allowedAlong(start, ids).filter(({ length }) => length !== 1).length;
}
