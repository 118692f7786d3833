import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import { type BalanceConfig, GrpoConfigSchema } from '../../../src/config/grpo-config.ts';
import {
  balanceAt,
  chordMu,
  type ExpertTokens,
  expertLoss,
  gatedGroups,
  recordCoefficient,
} from '../../../src/train/mode-balance.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';

/** A balance with the defaults of its kind. */
function balance(settings: v.InferInput<typeof GrpoConfigSchema>['balance']): BalanceConfig {
  return v.parse(GrpoConfigSchema, { balance: settings }).balance;
}

describe('balanceAt', () => {
  it('adds lambda times the expert loss', () => {
    const config = balance({ kind: 'additive', lambda: 0.3 });
    expect(balanceAt(config, 0, undefined, 0)).toEqual({ rl: 1, expert: 0.3, coefficient: 0.3 });
    expect(balanceAt(config, 999, undefined, 0.5)).toEqual({ rl: 1, expert: 0.3, coefficient: 0.3 });
  });

  it('interpolates lambda linearly where it has a schedule', () => {
    const config = balance({ kind: 'additive', lambda: 1, finalLambda: 0.2, rampSteps: 10 });
    const lambdas = [0, 5, 10, 50].map((step) => balanceAt(config, step, undefined, 0).expert);
    expectClose(lambdas, [1, 0.6, 0.2, 0.2], { absolute: 1e-12 });
  });

  it('mixes convexly', () => {
    expect(balanceAt(balance({ kind: 'convex', mu: 0.25 }), 3, undefined, 0)).toEqual({
      rl: 0.75,
      expert: 0.25,
      coefficient: 0.25,
    });
  });

  it('gives the expert the share of prompts that failed (HPT)', () => {
    expect(balanceAt(balance({ kind: 'hpt' }), 3, 0.9, 0.25)).toEqual({ rl: 0.75, expert: 0.25, coefficient: null });
  });

  it.each([
    ['additive', { rl: 1, expert: 0.7, coefficient: 0.7 }],
    ['srft', { rl: 1, expert: 0.7, coefficient: 0.7 }],
    ['convex', { rl: 1 - 0.7, expert: 0.7, coefficient: 0.7 }],
    ['chord', { rl: 1 - 0.7, expert: 0.7, coefficient: 0.7 }],
  ] as const)('uses the coefficient under %s', (kind, expected) => {
    expect(balanceAt(balance({ kind }), 3, 0.7, 0)).toEqual(expected);
  });
});

describe('chordMu', () => {
  it('rises to its peak, falls along a cosine and stays in its valley', () => {
    const schedule = { kind: 'chord', warmupSteps: 4, decaySteps: 10, peak: 0.5, valley: 0.1 } as const;
    const got = [0, 2, 4, 9, 14, 100].map((step) => chordMu(step, schedule));
    expectClose(got, [0, 0.25, 0.5, 0.3, 0.1, 0.1], { absolute: 1e-12 });
  });
});

describe('recordCoefficient', () => {
  it('records each change and its first step', () => {
    let moves = recordCoefficient([], 0, undefined);
    expect(moves).toEqual([]);
    for (const [step, value] of [0.3, 0.3, undefined, 1, 0.3].entries()) moves = recordCoefficient(moves, step, value);
    expect(moves).toEqual([
      { step: 0, value: 0.3 },
      { step: 3, value: 1 },
      { step: 4, value: 0.3 },
    ]);
  });
});

describe('gatedGroups', () => {
  it('are those in which nothing is right', () => {
    expect(gatedGroups([[false, false], [false, true], []])).toEqual([true, false, true]);
  });
});

describe.each(['cpu', 'wasm'] as const)('expertLoss on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  // p = 1/2 and 1/4, weighted 3 : 1; the last token does not count.
  const P = [0.5, 0.25, 0.9];
  const WEIGHTS = [0.75, 0.25, 0];
  const ENTROPIES = [0.4, 0.8, 5];
  const lossAndGradient = async (config: BalanceConfig) => {
    const loss = expertLoss(config);
    const tokens = (logProbs: tf.Tensor1D): ExpertTokens => ({
      logProbs,
      entropies: () => tf.tensor1d(ENTROPIES),
      weights: tf.tensor1d(WEIGHTS),
    });
    const run = tf.valueAndGrad((x: tf.Tensor) => loss(tokens(x as tf.Tensor1D)));
    const { value, grad } = run(tf.tensor1d(P.map(Math.log)));
    return { value: await value.data(), gradient: await grad.data() };
  };
  const CLOSE = { absolute: 1e-6 };
  const NLL = 0.75 * Math.LN2 + 0.25 * 2 * Math.LN2;

  it.each(['additive', 'convex', 'hpt'] as const)('is the weighted mean under %s', async (kind) => {
    const { value, gradient } = await lossAndGradient(balance({ kind }));
    expectClose(value, [NLL], CLOSE);
    expectClose(gradient, [-0.75, -0.25, 0], CLOSE);
  });

  it('weights tokens by p (1 - p) without learning through that weight (CHORD)', async () => {
    const { value, gradient } = await lossAndGradient(balance({ kind: 'chord' }));
    const [first, second] = [0.75 * 0.25, 0.25 * 0.1875];
    expectClose(value, [first * Math.LN2 + second * 2 * Math.LN2], CLOSE);
    expectClose(gradient, [-first, -second, 0], CLOSE);
  });

  it('weights the mean by exp(-H) of the counted tokens (SRFT-like)', async () => {
    const { value, gradient } = await lossAndGradient(balance({ kind: 'srft' }));
    const weight = Math.exp(-(0.75 * 0.4 + 0.25 * 0.8));
    expectClose(value, [weight * NLL], CLOSE);
    expectClose(gradient, [-0.75 * weight, -0.25 * weight, 0], CLOSE);
  });
});
