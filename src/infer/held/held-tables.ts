/**
 * Held rows on the GPU: the concatenated tables of their automata, and the state of each row.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { HeldTables } from '../../kernels/sample-token.ts';
import type { ChoiceTable, CompletionAutomaton } from './completion-automaton.ts';
import type { HeldRow } from './held-rows.ts';

/** Numbers per row: state, label token, two words of cited rules, tokens so far, limit. */
const ROW_NUMBERS = 6;
/** Means no limit. */
const ENDLESS = 0x3fffffff;

/** Uploads rows and their automata. Owned by the caller. */
export function uploadHeldRows(rows: readonly HeldRow[]): HeldTables {
  const firstState = new Map<CompletionAutomaton, number>();
  const tables: ChoiceTable[] = [];
  let states = 0;
  for (const { automaton } of rows) {
    if (firstState.has(automaton)) continue;
    const table = automaton.table();
    firstState.set(automaton, states);
    tables.push(table);
    states += table.remaining.length;
  }
  return {
    offsets: tf.tensor1d(joinOffsets(tables, states), 'int32'),
    choices: choiceTensor(tables),
    rows: tf.tensor2d(
      Int32Array.from(rows.flatMap((row) => rowNumbers(row, firstState.get(row.automaton) ?? 0))),
      [rows.length, ROW_NUMBERS],
      'int32',
    ),
  };
}

/** The given rows, in that order; the automata are shared. Disposes of the old rows. */
export function selectHeldRows(tables: HeldTables, wanted: tf.Tensor1D): HeldTables {
  const rows = tf.gather(tables.rows, wanted);
  tables.rows.dispose();
  return { ...tables, rows };
}

function rowNumbers({ state, label, cited, length, limit }: HeldRow, firstState: number): number[] {
  const words = [0, 0];
  for (const tag of cited) words[tag >> 5] = (words[tag >> 5] ?? 0) | (1 << (tag & 31));
  return [firstState + state, label, ...words, length, Math.min(limit, ENDLESS)];
}

function joinOffsets(tables: readonly ChoiceTable[], states: number): Int32Array {
  const offsets = new Int32Array(states + 1);
  let [state, choice] = [0, 0];
  for (const { offsets: own, ids } of tables) {
    for (let i = 0; i + 1 < own.length; i++) offsets[state++] = choice + (own[i] ?? 0);
    choice += ids.length;
  }
  offsets[states] = choice;
  return offsets;
}

function choiceTensor(tables: readonly ChoiceTable[]): tf.Tensor2D {
  const count = tables.reduce((sum, { ids }) => sum + ids.length, 0);
  const numbers = new Int32Array(4 * Math.max(1, count));
  let [at, firstState] = [0, 0];
  for (const { ids, next, tags, remaining } of tables) {
    for (const [i, id] of ids.entries()) {
      const after = next[i] ?? 0;
      numbers.set([id, firstState + after, tags[i] ?? 0, remaining[after] ?? 0], at);
      at += 4;
    }
    firstState += remaining.length;
  }
  return tf.tensor2d(numbers, [Math.max(1, count), 4], 'int32');
}
