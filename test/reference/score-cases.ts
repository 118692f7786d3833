/**
 * The ops that turn logits into scores of tokens, with the shapes they are judged at: tiny, odd, in vectors of four,
 * and longer than one stretch of a row.
 */
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../src/common/rng.ts';
import { headLogProbs, headScores } from '../../src/ops/head-log-probs.ts';
import { type AllowedTokens, heldLogits } from '../../src/ops/held-logits.ts';
import { tokenLogProbs } from '../../src/ops/token-log-probs.ts';
import { type TokenScores, tokenScores } from '../../src/ops/token-scores.ts';
import { opCase, type OpCase } from './op-case.ts';
import { linearReference } from './linear-reference.ts';
import { entropyReference } from './policy-reference.ts';
import { randomTensor64 } from './random-tensor64.ts';
import { tokenNllReference } from './softmax-reference.ts';
import { rowsOf, tensor64, type Tensor64 } from './tensor64.ts';

/** Every op at every shape. */
export const SCORE_CASES: readonly OpCase[] = [
  ...[
    [1, 2],
    [7, 5],
    [33, 130],
    [5, 36], // vectors of four
    [3, 1031], // more than one stretch of a row
    [2, 1028],
  ].flatMap(([N = 0, V = 0]) => [tokenLogProbsCase(N, V), tokenScoresCase(N, V), heldScoresCase(N, V)]),
  ...[
    [1, 3, 2, 1], // less than a row: a row at a time
    [7, 5, 6, 12], // two rows at a time, and one left
    [33, 9, 65, 700],
    [5, 4, 7, 35], // all at once
  ].flatMap(([N = 0, C = 0, V = 0, most = 0]) => [
    headLogProbsCase(N, C, V, most),
    headScoresCase(N, C, V, most),
    heldHeadScoresCase(N, C, V, most),
  ]),
];

/** Logits far apart, where a careless formula gives Infinity or NaN. */
export const EXTREME_SCORE_CASES: readonly OpCase[] = [
  opCase<[tf.Tensor2D]>(
    'tokenLogProbs of logits 1000 apart',
    [tensor64([2, 3], [1000, 0, -1000, 500, 499, 498])],
    (logits) => tokenLogProbs(logits, Int32Array.of(2, 0)),
    (logits) => logProbs(logits, [2, 0]),
  ),
  ...([3, 4] as const).map(tokenScoresOfFarLogits), // one number at a time, and a vector of four
];

function tokenLogProbsCase(N: number, V: number): OpCase {
  const title = `tokenLogProbs [${N},${V}]`;
  const targets = randomIds(N, V, title);
  return opCase<[tf.Tensor2D]>(
    title,
    [randomTensor64([N, V], `${title} logits`, 3)],
    (logits) => tokenLogProbs(logits, Int32Array.from(targets)),
    (logits) => logProbs(logits, targets),
  );
}

function tokenScoresCase(N: number, V: number): OpCase {
  const title = `tokenScores [${N},${V}]`;
  const targets = randomIds(N, V, title);
  return opCase<[tf.Tensor2D]>(
    title,
    [randomTensor64([N, V], `${title} logits`, 3)],
    (logits) => stacked(tokenScores(logits, Int32Array.from(targets))),
    (logits) => scoresReference(logits, targets),
  );
}

function tokenScoresOfFarLogits(V: 3 | 4): OpCase {
  const rows = [
    [1000, 0, -1000, -2000],
    [500, 499, 498, 497],
    [-100, -100, -100, -100],
  ].flatMap((row) => row.slice(0, V));
  const targets = [2, 0, 1];
  return opCase<[tf.Tensor2D]>(
    `tokenScores of ${V} logits 1000 apart`,
    [tensor64([3, V], rows)],
    (logits) => stacked(tokenScores(logits, Int32Array.from(targets))),
    (logits) => scoresReference(logits, targets),
  );
}

function headScoresCase(N: number, C: number, V: number, mostLogits: number): OpCase {
  const title = `headScores [${N},${C}] x [${V},${C}], at most ${mostLogits} logits at once`;
  const targets = randomIds(N, V, title);
  return opCase<[tf.Tensor2D, tf.Tensor2D]>(
    title,
    [randomTensor64([N, C], `${title} x`), randomTensor64([V, C], `${title} head`)],
    (x, head) => stacked(headScores(x, head, Int32Array.from(targets), { mostLogits })),
    (x, head) => scoresReference(linearReference(x, head), targets),
  );
}

function heldScoresCase(N: number, V: number): OpCase {
  const title = `heldLogits [${N},${V}]`;
  const targets = randomIds(N, V, title);
  const allowed = randomAllowed(targets, V, title);
  return opCase<[tf.Tensor2D]>(
    title,
    [randomTensor64([N, V], `${title} logits`, 3)],
    (logits) => stacked(tokenScores(heldLogits(logits, allowed), Int32Array.from(targets))),
    (logits) => heldReference(logits, targets, allowed),
  );
}

function heldHeadScoresCase(N: number, C: number, V: number, mostLogits: number): OpCase {
  const title = `headScores [${N},${C}] x [${V},${C}] of what is allowed, at most ${mostLogits} logits at once`;
  const targets = randomIds(N, V, title);
  const allowed = randomAllowed(targets, V, title);
  return opCase<[tf.Tensor2D, tf.Tensor2D]>(
    title,
    [randomTensor64([N, C], `${title} x`), randomTensor64([V, C], `${title} head`)],
    (x, head) => stacked(headScores(x, head, Int32Array.from(targets), { mostLogits, allowed })),
    (x, head) => heldReference(linearReference(x, head), targets, allowed),
  );
}

/** For each row its target and, of the other tokens, about a third. */
function randomAllowed(targets: readonly number[], V: number, seed: string): AllowedTokens {
  const rng = new Rng(`allowed ${seed}`);
  const rows = targets.map((target) => {
    return Array.from({ length: V }, (_, id) => id).filter((id) => rng.chance(1 / 3) || id === target);
  });
  const offsets = new Int32Array(rows.length + 1);
  for (const [n, row] of rows.entries()) offsets[n + 1] = (offsets[n] ?? 0) + row.length;
  return { offsets, ids: Int32Array.from(rows.flat()) };
}

/** Scores of each row among its allowed tokens alone, as if the vocabulary had no others. */
function heldReference(logits: Tensor64, targets: readonly number[], { offsets, ids }: AllowedTokens): Tensor64 {
  const scores = rowsOf(logits).map((row, n) => {
    const own = [...ids.subarray(offsets[n], offsets[n + 1])];
    const part = tensor64(
      [1, own.length],
      own.map((id) => row[id] ?? NaN),
    );
    return [...scoresReference(part, [own.indexOf(targets[n] ?? -1)]).data];
  });
  return tensor64(
    [2, targets.length],
    [0, 1].flatMap((which) => scores.map((score) => score[which] ?? NaN)),
  );
}

function headLogProbsCase(N: number, C: number, V: number, mostLogits: number): OpCase {
  const title = `headLogProbs [${N},${C}] x [${V},${C}], at most ${mostLogits} logits at once`;
  const targets = randomIds(N, V, title);
  return opCase<[tf.Tensor2D, tf.Tensor2D]>(
    title,
    [randomTensor64([N, C], `${title} x`), randomTensor64([V, C], `${title} head`)],
    (x, head) => headLogProbs(x, head, Int32Array.from(targets), { mostLogits }),
    (x, head) => logProbs(linearReference(x, head), targets),
  );
}

function logProbs(logits: Tensor64, targets: readonly number[]): Tensor64 {
  return { shape: [targets.length], data: tokenNllReference(logits, targets).map((nll) => -nll) };
}

/** Twice [N] -> [2,N] */
function stacked({ logProbs: ofTargets, entropies }: TokenScores): tf.Tensor {
  return tf.stack([ofTargets, entropies()]);
}

function scoresReference(logits: Tensor64, targets: readonly number[]): Tensor64 {
  const { data } = logProbs(logits, targets);
  return tensor64([2, targets.length], [...data, ...rowsOf(logits).map(entropyReference)]);
}

/** Token ids that repeat. */
export function randomIds(count: number, size: number, seed: string): number[] {
  const rng = new Rng(seed);
  return Array.from({ length: count }, () => rng.int(size));
}
