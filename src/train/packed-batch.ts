/**
 * Packs the completions of one prompt into one row: the prompt once, then each completion (data/packed-rows.ts). For G
 * short completions of a long prompt this takes a fraction of the tokens of G whole sequences.
 *
 *     row:        p0 p1 p2 | p3 a0 a1 | p3 b0 b1 b2      prompt p0..p3 with completions a, b
 *     positions:  0  1  2    3  4  5    3  4  5  6
 *
 * The last prompt token is repeated before each completion, so that every scored token has its own row.
 */
import { type Example, LENGTH_BUCKET, padRows, roundUp, type TrainingBatch } from '../data/batches.ts';
import { packedLength, packRows, type RowPlan } from '../data/packed-rows.ts';

/** A batch of completions in order; consecutive completions of an identical prompt share a row. */
export function makePackedBatch(examples: readonly Example[]): TrainingBatch {
  const groups: Example[][] = [];
  for (const example of examples) {
    const last = groups.at(-1);
    if (last?.[0]?.prompt === example.prompt) last.push(example);
    else groups.push([example]);
  }
  const plans = groups.map(planOf);
  const T = roundUp(Math.max(...plans.map(packedLength)), LENGTH_BUCKET);
  const { B, ids, layout, starts } = packRows(plans, T);

  const targets = examples.flatMap(({ completion }) => [...completion]);
  const rows = groups.flatMap((group, b) =>
    group.flatMap(({ completion }, i) => Array.from(completion, (_, t) => (starts[b]?.[i] ?? 0) + t)),
  );
  const weights = rows.map(() => 1);
  padRows(rows, targets, weights, B * T);
  return {
    B,
    T,
    ids,
    layout,
    rows: Int32Array.from(rows),
    targets: Int32Array.from(targets),
    weights: Float32Array.from(weights),
    tokens: examples.reduce((sum, { prompt, completion }) => sum + prompt.length + completion.length - 1, 0),
  };
}

function planOf(group: readonly Example[]): RowPlan {
  const prompt = group[0]?.prompt ?? new Int32Array();
  const shared = prompt.subarray(0, prompt.length - 1);
  const parts = group.map(({ completion }) =>
    Int32Array.from(completion, (_, i) => (i === 0 ? prompt[shared.length] : completion[i - 1]) ?? 0),
  );
  return { shared, parts };
}
