/**
 * Completions of one prompt in one row: the prompt once, then each completion behind it, seeing the prompt and itself and
 * nothing of its neighbours. For G short completions of a long prompt that is a fraction of the tokens of G whole
 * sequences, and the same function of the weights but for rounding.
 *
 *     row:        p0 p1 p2 | p3 a0 a1 | p3 b0 b1 b2      of the prompt p0..p3 and its completions a, b
 *     positions:  0  1  2    3  4  5    3  4  5  6
 *
 * The last token of the prompt stands before each completion, so that every scored token has a row of its own.
 */
import { type Example, LENGTH_BUCKET, padRows, roundUp, type TrainingBatch } from '../data/batches.ts';

/** A batch of completions in order; neighbours that share the very same prompt share a row. */
export function makePackedBatch(examples: readonly Example[]): TrainingBatch {
  const groups: Example[][] = [];
  for (const example of examples) {
    const last = groups.at(-1);
    if (last?.[0]?.prompt === example.prompt) last.push(example);
    else groups.push([example]);
  }
  const B = groups.length;
  const T = roundUp(Math.max(...groups.map(packedLength)), LENGTH_BUCKET);
  const ids = new Int32Array(B * T);
  const positions = new Int32Array(B * T);
  const isVisible = new Uint8Array(B * T * T);
  const [rows, targets]: [number[], number[]] = [[], []];

  for (const [b, group] of groups.entries()) {
    const prompt = group[0]?.prompt ?? new Int32Array();
    const shared = prompt.length - 1;
    let t = 0;
    /** Puts the next token: it sees what is shared of the prompt before it, and its own from `ownStart` on. */
    const place = (id: number, position: number, ownStart: number): void => {
      const n = b * T + t;
      ids[n] = id;
      positions[n] = position;
      isVisible.fill(1, n * T, n * T + Math.min(shared, t));
      isVisible.fill(1, n * T + ownStart, n * T + t + 1);
      t += 1;
    };
    for (const [i, id] of prompt.subarray(0, shared).entries()) place(id, i, 0);
    for (const { completion } of group) {
      const ownStart = t;
      for (const [i, target] of completion.entries()) {
        rows.push(b * T + t);
        targets.push(target);
        place((i === 0 ? prompt[shared] : completion[i - 1]) ?? 0, shared + i, ownStart);
      }
    }
    // Padding sees itself: a row that sees nothing has no softmax.
    for (; t < T; t++) isVisible[(b * T + t) * T + t] = 1;
  }
  const weights = rows.map(() => 1);
  padRows(rows, targets, weights, B * T);
  return {
    B,
    T,
    ids,
    layout: { positions, isVisible },
    rows: Int32Array.from(rows),
    targets: Int32Array.from(targets),
    weights: Float32Array.from(weights),
    tokens: examples.reduce((sum, { prompt, completion }) => sum + prompt.length + completion.length - 1, 0),
  };
}

function packedLength(group: readonly Example[]): number {
  const shared = (group[0]?.prompt.length ?? 1) - 1;
  return group.reduce((sum, { completion }) => sum + completion.length, shared);
}
