/**
 * Groups prompts that begin alike: they share one row, which has their beginning once, followed by the rest of each
 * (data/packed-rows.ts). Instruction and query come before the document, so the documents of a query are recognised by
 * their tokens alone, in any order.
 *
 * The best length of a row depends on the implementation of attention. The kernels skip blocks that a token does not
 * see, so that a token costs the same in long and short rows. The composite computes all T x T scores: a row of T
 * tokens costs `T (1 + T / r)`, where r is the length at which attention takes as long as everything else. Documents of
 * D tokens behind P shared ones cost least each at `T = P + sqrt(P (r + P))`, for every D.
 */
import { largest } from '../common/largest.ts';
import { LENGTH_BUCKET, roundUp } from '../data/batches.ts';
import { packedLength, packRows, type RowPlan } from '../data/packed-rows.ts';
import type { TokenBatch } from '../model/transformer.ts';

/** One forward pass over some prompts. */
export interface PromptPass {
  readonly batch: TokenBatch;
  /** The indices of its prompts. */
  readonly prompts: readonly number[];
  /** The row b*T + t of the last token of each. */
  readonly lastRows: Int32Array;
}

/** Limits of rows and passes. */
export interface PassLimits {
  /** Tokens of a pass, including padding; a longer row has a separate pass. */
  readonly tokensPerPass: number;
  /** Whether attention costs the same per token in long and short rows. */
  readonly isSparse: boolean;
  /** Positions of the model, which padding does not exceed. */
  readonly maxPositions: number;
}

/** A row with the prompts whose ends it contains. */
interface PromptRow extends RowPlan {
  readonly prompts: readonly number[];
}

/**
 * r above, in tokens. Measured on wasm by the time per token in rows of 32 to 1,024: 500 for lab-nano, 630 for micro,
 * 1,070 for mini. Near the minimum the cost of a row hardly changes.
 */
const ATTENTION_TOKENS = 600;
/** The limit of the search for prompts that share a row, in neighbours. */
const MAX_NEIGHBOURS = 1024;

/** Plans the passes over some prompts. Grouping affects results only by rounding. */
export function planPasses(prompts: readonly Int32Array[], limits: PassLimits): PromptPass[] {
  const rows = groupsOf(prompts)
    .flatMap((group) => rowsOf(prompts, group, limits))
    .toSorted((a, b) => packedLength(a) - packedLength(b));
  const passes: PromptPass[] = [];
  let pending: PromptRow[] = [];
  for (const row of rows) {
    // Rows are sorted by length, so the next one determines the padded length of all.
    if (pending.length > 0 && (pending.length + 1) * packedLength(row) > limits.tokensPerPass) {
      passes.push(passOf(pending, limits.maxPositions));
      pending = [];
    }
    pending.push(row);
  }
  if (pending.length > 0) passes.push(passOf(pending, limits.maxPositions));
  return passes;
}

/** Prompts that share their first `shared` tokens. */
interface PromptGroup {
  readonly shared: number;
  readonly prompts: readonly number[];
}

/**
 * The groups that save most tokens. Sorted by their tokens, prompts that begin alike are neighbours, and n neighbours
 * that share L tokens save (n - 1) L. At least the last token of each prompt is not shared.
 */
function groupsOf(prompts: readonly Int32Array[]): PromptGroup[] {
  const idsOf = (place: number): Int32Array => prompts[order[place] ?? 0] ?? new Int32Array();
  const order = prompts.map((_, index) => index);
  order.sort((a, b) => compareIds(prompts[a] ?? new Int32Array(), prompts[b] ?? new Int32Array()) || a - b);
  /** Tokens shared with the prompt before. */
  const alike = order.map((_, place) => (place === 0 ? 0 : sharedLength(idsOf(place - 1), idsOf(place))));

  /** At index n: the maximum saving of the first n prompts, and the start of their last group. */
  const most = [{ saved: 0, start: 0, shared: 0 }];
  for (let end = 1; end <= order.length; end++) {
    let best = { saved: most[end - 1]?.saved ?? 0, start: end - 1, shared: 0 };
    let shared = Infinity;
    for (let start = end - 2; start >= Math.max(0, end - MAX_NEIGHBOURS); start--) {
      shared = Math.min(shared, alike[start + 1] ?? 0);
      if (shared === 0) break;
      const saved = (most[start]?.saved ?? 0) + (end - start - 1) * shared;
      if (saved > best.saved) best = { saved, start, shared };
    }
    most.push(best);
  }
  const groups: PromptGroup[] = [];
  for (let end = order.length; end > 0;) {
    const { start, shared } = most[end] ?? { start: 0, shared: 0 };
    groups.push({ shared, prompts: order.slice(start, end) });
    end = start;
  }
  return groups;
}

/** Fills the rows of a group first fit, longest ends first. */
function rowsOf(
  prompts: readonly Int32Array[],
  { shared, prompts: members }: PromptGroup,
  { tokensPerPass, isSparse }: PassLimits,
): PromptRow[] {
  const room = (isSparse ? tokensPerPass : bestLength(shared)) - shared;
  const lengthOf = (index: number): number => (prompts[index]?.length ?? 0) - shared;
  const rows: { free: number; readonly prompts: number[] }[] = [];
  for (const index of members.toSorted((a, b) => lengthOf(b) - lengthOf(a) || a - b)) {
    const row = rows.find(({ free }) => free >= lengthOf(index));
    if (row === undefined) {
      rows.push({ free: room - lengthOf(index), prompts: [index] });
    } else {
      row.free -= lengthOf(index);
      row.prompts.push(index);
    }
  }
  return rows.map(({ prompts: held }) => {
    const first = prompts[held[0] ?? 0] ?? new Int32Array();
    if (held.length === 1) return { shared: new Int32Array(), parts: [first], prompts: held };
    const parts = held.map((index) => (prompts[index] ?? new Int32Array()).subarray(shared));
    return { shared: first.subarray(0, shared), parts, prompts: held };
  });
}

function bestLength(shared: number): number {
  return shared + Math.sqrt(shared * (ATTENTION_TOKENS + shared));
}

function passOf(rows: readonly PromptRow[], maxPositions: number): PromptPass {
  const longest = largest(rows.map(packedLength));
  const isPacked = rows.some(({ parts }) => parts.length > 1);
  const rounded = roundUp(longest, LENGTH_BUCKET);
  const { B, T, ids, layout, starts } = packRows(rows, isPacked ? rounded : padded(longest, maxPositions));
  const lastRows = rows.flatMap(({ parts }, b) => parts.map(({ length }, i) => (starts[b]?.[i] ?? 0) + length - 1));
  return {
    batch: { B, T, ids, ...(isPacked ? { layout } : {}) },
    prompts: rows.flatMap((row) => row.prompts),
    lastRows: Int32Array.from(lastRows),
  };
}

/** A length rounded up, but not beyond the positions of the model. */
export function padded(length: number, maxPositions: number): number {
  return Math.max(length, Math.min(roundUp(length, LENGTH_BUCKET), maxPositions));
}

function compareIds(a: Int32Array, b: Int32Array): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function sharedLength(a: Int32Array, b: Int32Array): number {
  const most = Math.min(a.length, b.length) - 1;
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}
