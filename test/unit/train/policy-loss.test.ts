/**
 * The losses compared with values computed by hand, the double-precision reference, and exact gradients.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import type { PolicyLossConfig } from '../../../src/config/grpo-config.ts';
import { stopGradient } from '../../../src/ops/stop-gradient.ts';
import { tokenEntropies } from '../../../src/ops/token-entropies.ts';
import { tokenKl } from '../../../src/ops/token-kl.ts';
import { tokenLogProbs } from '../../../src/ops/token-log-probs.ts';
import { klEstimate, policyLoss, type PolicyTokens, weightedSum } from '../../../src/train/policy-loss.ts';
import { tokenWeights } from '../../../src/train/token-weights.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { judgeOp } from '../../reference/judge-op.ts';
import { opCase } from '../../reference/op-case.ts';
import {
  entropyReference,
  jointLossReference,
  klReference,
  type ReferenceSequence,
  separateLossReference,
} from '../../reference/policy-reference.ts';
import { randomTensor64 } from '../../reference/random-tensor64.ts';
import { softmaxRow } from '../../reference/softmax-reference.ts';
import { at, rowsOf, tensor64, type Tensor64 } from '../../reference/tensor64.ts';

const MAX_TOKENS = 9;
const CLOSE = { absolute: 2e-6, relative: 2e-6 };
const LOSSES: readonly PolicyLossConfig[] = [
  { kind: 'grpo', clipLow: 0.2, clipHigh: 0.2 },
  { kind: 'grpo', clipLow: 0.2, clipHigh: 0.5 },
  { kind: 'dr_grpo', clipLow: 0.1, clipHigh: 0.3 },
  { kind: 'dapo', clipLow: 0.2, clipHigh: 0.28 },
  { kind: 'gspo', clipLow: 0.05, clipHigh: 0.02 },
];

/** Completions of several lengths, one of a single token, one masked; ratios on both sides of every clip. */
function sequencesFor(seed: string, equalAdvantages: boolean): ReferenceSequence[] {
  const rng = new Rng(seed);
  return [5, 1, 9, 3].map((length, i) => {
    const advantage = rng.normal();
    const oldLogProbs = Array.from({ length }, () => -3 * rng.next());
    return {
      oldLogProbs,
      logProbs: oldLogProbs.map((logProb) => logProb + 0.5 * rng.normal()),
      advantages: oldLogProbs.map(() => (equalAdvantages ? advantage : rng.normal())),
      isMasked: i === 3,
    };
  });
}

/** The sequences in rows, as the losses take them. */
function tokensOf(logProbs: tf.Tensor1D, sequences: readonly ReferenceSequence[], weights: number[][]): PolicyTokens {
  const rows = sequences.flatMap((sequence, i) => sequence.logProbs.map(() => i));
  return {
    logProbs,
    oldLogProbs: tf.tensor1d(sequences.flatMap(({ oldLogProbs }) => oldLogProbs)),
    advantages: tf.tensor1d(sequences.flatMap(({ advantages }) => advantages)),
    weights: tf.tensor1d(weights.flat()),
    membership: () => tf.tensor2d(sequences.map((_, i) => rows.map((row) => (row === i ? 1 : 0)))),
  };
}

function lossCase(config: PolicyLossConfig, averaging: 'joint' | 'separate') {
  // GSPO's token gradient is that of its value only where advantages and weights are equal within a sequence.
  const sequences = sequencesFor(`${config.kind} ${averaging}`, config.kind === 'gspo');
  const completions = sequences.map(({ logProbs, isMasked }) => ({ length: logProbs.length, isMasked }));
  const parts =
    averaging === 'joint' ? ({ kind: 'joint' } as const) : ({ kind: 'separate', label: 0.7, reasoning: 0.4 } as const);
  const weights = tokenWeights(config.kind, parts, completions, MAX_TOKENS);
  const reference = { kind: config.kind, low: config.clipLow, high: config.clipHigh, maxTokens: MAX_TOKENS };
  const flat = sequences.flatMap(({ logProbs }) => logProbs);
  return opCase<[tf.Tensor1D]>(
    `${config.kind} ${config.clipLow}/${config.clipHigh}, ${averaging}`,
    [tensor64([flat.length], flat)],
    (logProbs) => policyLoss(config)(tokensOf(logProbs, sequences, weights)).loss,
    (logProbs) => {
      const moved = withLogProbs(sequences, logProbs);
      const value =
        averaging === 'joint'
          ? jointLossReference(reference, moved)
          : separateLossReference(reference, moved, 0.7, 0.4);
      return tensor64([], [value]);
    },
  );
}

function withLogProbs(sequences: readonly ReferenceSequence[], { data }: Tensor64): ReferenceSequence[] {
  let row = 0;
  return sequences.map((sequence) => ({ ...sequence, logProbs: sequence.logProbs.map(() => at(data, row++)) }));
}

describe.each(['cpu', 'wasm'] as const)('policy losses on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  const cases = LOSSES.flatMap((config) =>
    config.kind === 'gspo' ? [lossCase(config, 'joint')] : [lossCase(config, 'joint'), lossCase(config, 'separate')],
  );
  it.each(cases)('$title: value and gradient are those of the formula', judgeOp);

  it('gspo with separate averaging has its own value, and the token gradient -w s A', async () => {
    const config = { kind: 'gspo', clipLow: 0.2, clipHigh: 0.2 } as const;
    const sequences = sequencesFor('gspo tokens', false);
    const completions = sequences.map(({ logProbs, isMasked }) => ({ length: logProbs.length, isMasked }));
    const weights = tokenWeights('gspo', { kind: 'separate', label: 0.7, reasoning: 0.4 }, completions, MAX_TOKENS);
    const logProbs = tf.tensor1d(sequences.flatMap((sequence) => sequence.logProbs));
    const { value, grad } = tf.valueAndGrad(
      (x: tf.Tensor) => policyLoss(config)(tokensOf(x as tf.Tensor1D, sequences, weights)).loss,
    )(logProbs);

    const reference = { kind: 'gspo', low: 0.2, high: 0.2, maxTokens: MAX_TOKENS } as const;
    expectClose(await value.data(), [separateLossReference(reference, sequences, 0.7, 0.4)], CLOSE);
    const expected = sequences.flatMap(({ logProbs: now, oldLogProbs, advantages }, i) => {
      const s = Math.exp(now.reduce((sum, logProb, t) => sum + logProb - at(oldLogProbs, t), 0) / now.length);
      return advantages.map((advantage, t) => {
        const isClipped = advantage > 0 ? s > 1.2 : s < 0.8;
        return isClipped ? 0 : -at(at(weights, i), t) * s * advantage;
      });
    });
    expectClose(await grad.data(), expected, CLOSE);
  });

  it.each(
    [
      [1, 2],
      [7, 5],
      [33, 130],
    ].map(([N = 0, V = 0]) =>
      opCase<[tf.Tensor2D]>(
        `tokenEntropies [${N},${V}]`,
        [randomTensor64([N, V], `entropies ${N}`, 3)],
        tokenEntropies,
        (logits) => tensor64([N], rowsOf(logits).map(entropyReference)),
      ),
    ),
  )('$title', judgeOp);

  it.each(
    (['forward', 'reverse'] as const).flatMap((direction) =>
      [
        [1, 2],
        [7, 5],
        [33, 130],
      ].map(([N = 0, V = 0]) => {
        const reference = randomTensor64([N, V], `kl reference ${N}`, 2);
        return opCase<[tf.Tensor2D]>(
          `tokenKl ${direction} [${N},${V}]`,
          [randomTensor64([N, V], `kl ${N}`, 2)],
          (logits) => tokenKl(logits, tf.tensor2d(Float32Array.from(reference.data), [N, V]), direction),
          (logits) => {
            const pairs = rowsOf(logits).map(
              (row, n) => [softmaxRow(row), softmaxRow(at(rowsOf(reference), n))] as const,
            );
            return tensor64(
              [N],
              pairs.map(([p, q]) => (direction === 'forward' ? klReference(q, p) : klReference(p, q))),
            );
          },
        );
      }),
    ),
  )('$title', judgeOp);

  it('tokenEntropies and tokenKl are finite for logits 1000 apart', async () => {
    const logits = tf.tensor2d([[1000, 0, -1000]]);
    expectClose(await tokenEntropies(logits).data(), [0], CLOSE);
    expectClose(await tokenKl(logits, tf.tensor2d([[1000, 0, 0]]), 'forward').data(), [0], CLOSE);
  });

  it('stopGradient keeps the value and blocks the gradient', async () => {
    const x = tf.tensor1d([2, -3]);
    const { value, grad } = tf.valueAndGrad((y: tf.Tensor) => tf.sum(tf.mul(stopGradient(y), y)))(x);
    expectClose(await value.data(), [13], CLOSE);
    expectClose(await grad.data(), [2, -3], CLOSE);
  });
});

describe('policy losses by hand', () => {
  beforeAll(() => useBackend('cpu'));

  const LN2 = Math.log(2);
  // Ratios 2, 1/2, 2, 1/2 with advantages 1, 1, -1, -1 in two completions of two tokens.
  const byHand: ReferenceSequence[] = [
    { logProbs: [LN2 - 1, -LN2 - 1], oldLogProbs: [-1, -1], advantages: [1, 1], isMasked: false },
    { logProbs: [LN2 - 1, -LN2 - 1], oldLogProbs: [-1, -1], advantages: [-1, -1], isMasked: false },
  ];
  const evaluate = async (config: PolicyLossConfig) => {
    const weights = tokenWeights(
      config.kind,
      { kind: 'joint' },
      [
        { length: 2, isMasked: false },
        { length: 2, isMasked: false },
      ],
      8,
    );
    const logProbs = tf.tensor1d(byHand.flatMap((sequence) => sequence.logProbs));
    const { loss, clipped } = policyLoss(config)(tokensOf(logProbs, byHand, weights));
    return { loss: at(await loss.data(), 0), clipped: [...(await clipped.data())] };
  };

  it('grpo clips only tokens that have moved far enough in the direction of their advantage', async () => {
    // Surrogates 1.2, 0.5, -2, -0.8: mean -1.1 / 4.
    const { loss, clipped } = await evaluate({ kind: 'grpo', clipLow: 0.2, clipHigh: 0.2 });
    expect(loss).toBeCloseTo(1.1 / 4, 6);
    expect(clipped).toEqual([1, 0, 0, 1]);
  });

  it('clip-higher lets good tokens rise further', async () => {
    // Surrogates 1.5, 0.5, -2, -0.8.
    expect((await evaluate({ kind: 'grpo', clipLow: 0.2, clipHigh: 0.5 })).loss).toBeCloseTo(0.8 / 4, 6);
  });

  it('dr_grpo divides by completions times the maximum length', async () => {
    expect((await evaluate({ kind: 'dr_grpo', clipLow: 0.2, clipHigh: 0.2 })).loss).toBeCloseTo(1.1 / 16, 6);
  });

  it('in gspo the ratios of a completion cancel', async () => {
    // The geometric mean of 2 and 1/2 is 1: nothing is clipped and the advantages cancel.
    const { loss, clipped } = await evaluate({ kind: 'gspo', clipLow: 3e-4, clipHigh: 4e-4 });
    expect(loss).toBeCloseTo(0, 6);
    expect(clipped).toEqual([0, 0, 0, 0]);
  });

  it('estimates the divergence by k1, k2 and k3', async () => {
    // d = ln 2: k1 = ln 2, k2 = ln^2 2 / 2, k3 = 1/2 + ln 2 - 1; d = 0: all 0.
    const [logProbs, reference] = [tf.tensor1d([LN2 - 2, -1]), tf.tensor1d([-2, -1])];
    expectClose(await klEstimate('k1', logProbs, reference).data(), [LN2, 0], CLOSE);
    expectClose(await klEstimate('k2', logProbs, reference).data(), [LN2 ** 2 / 2, 0], CLOSE);
    expectClose(await klEstimate('k3', logProbs, reference).data(), [LN2 - 0.5, 0], CLOSE);
  });
});

describe('the KL direction trap, by exact enumeration of a categorical policy', () => {
  beforeAll(() => useBackend('cpu'));

  const V = 5;
  const logits = randomTensor64([1, V], 'policy', 1.2);
  const p = softmaxRow(logits.data);
  const reference = softmaxRow(randomTensor64([1, V], 'reference', 1.2).data);

  /** The mean over y ~ p of the gradient by the logits of an estimator used as a loss on the sample y. */
  const onPolicyGradient = (kind: 'k1' | 'k2' | 'k3') => {
    const weights = tf.tensor1d(Float32Array.from(p));
    const refLogProbs = tf.tensor1d(Float32Array.from(reference, Math.log));
    const everyToken = Int32Array.from({ length: V }, (_, y) => y);
    const gradient = tf.grad((x: tf.Tensor) => {
      const rows: tf.Tensor2D = tf.tile(x as tf.Tensor2D, [V, 1]); // [1,V] -> [V,V]: one row per possible sample
      return weightedSum(weights, klEstimate(kind, tokenLogProbs(rows, everyToken), refLogProbs));
    })(tf.tensor2d(Float32Array.from(logits.data), [1, V]));
    return gradient.data();
  };

  it('k3 as a loss follows the forward KL(reference || policy)', async () => {
    expectClose(
      await onPolicyGradient('k3'),
      p.map((value, i) => value - at(reference, i)),
      CLOSE,
    );
  });

  it('k2 as a loss follows the reverse KL(policy || reference)', async () => {
    const kl = klReference(p, reference);
    expectClose(
      await onPolicyGradient('k2'),
      p.map((value, i) => value * (Math.log(value / at(reference, i)) - kl)),
      CLOSE,
    );
  });

  it('k1 as a loss does nothing on average', async () => {
    expectClose(await onPolicyGradient('k1'), Array<number>(V).fill(0), CLOSE);
  });

  it('so k2 and k3 pull in different directions here', async () => {
    const [k2, k3] = [await onPolicyGradient('k2'), await onPolicyGradient('k3')];
    const gap = Math.max(...k2.map((value, i) => Math.abs(value - at(k3, i))));
    expect(gap).toBeGreaterThan(0.01);
  });

  it('k1 and k3 have the reverse KL as their mean', () => {
    const mean = (estimate: (gap: number) => number) =>
      p.reduce((sum, value, i) => sum + value * estimate(Math.log(value / at(reference, i))), 0);
    expect(mean((d) => d)).toBeCloseTo(klReference(p, reference), 12);
    expect(mean((d) => Math.exp(-d) + d - 1)).toBeCloseTo(klReference(p, reference), 12);
  });
});

describe('tokenWeights', () => {
  const completions = [
    { length: 4, isMasked: false },
    { length: 2, isMasked: false },
    { length: 5, isMasked: true },
  ];
  const joint = { kind: 'joint' } as const;
  const separate = { kind: 'separate', label: 0.5, reasoning: 0.5 } as const;

  it.each([
    ['grpo', [1 / 8, 1 / 4]],
    ['gspo', [1 / 8, 1 / 4]],
    ['dapo', [1 / 6, 1 / 6]],
    ['dr_grpo', [1 / 20, 1 / 20]],
  ] as const)('%s averages over completions that are not masked', (kind, [long, short]) => {
    const weights = tokenWeights(kind, joint, completions, 10);
    expect(weights).toEqual([Array(4).fill(long), Array(2).fill(short), Array(5).fill(0)]);
  });

  it.each([
    ['grpo', [1 / 4, 1 / 12, 1 / 4]],
    ['dapo', [1 / 4, 1 / 8, 1 / 8]],
    ['dr_grpo', [1 / 4, 1 / 36, 1 / 36]],
  ] as const)('%s averages label and reasoning separately', (kind, [label, long, short]) => {
    const [first, second, masked] = tokenWeights(kind, separate, completions, 10);
    expectClose(first ?? [], [label, long, long, long], CLOSE);
    expectClose(second ?? [], [label, short], CLOSE);
    expect(masked).toEqual([0, 0, 0, 0, 0]);
  });

  it('counts a completion without reasoning for its label only', () => {
    const [bare, full] = tokenWeights(
      'grpo',
      separate,
      [
        { length: 1, isMasked: false },
        { length: 3, isMasked: false },
      ],
      10,
    );
    expect(bare).toEqual([0.25]);
    expect(full).toEqual([0.25, 0.25, 0.25]);
  });

  it('is all zeros where everything is masked', () => {
    expect(tokenWeights('dapo', separate, [{ length: 2, isMasked: true }], 10)).toEqual([[0, 0]]);
  });
});
