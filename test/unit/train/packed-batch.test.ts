import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeTrainingBatch, type Example } from '../../../src/data/batches.ts';
import { tokenLogProbs } from '../../../src/ops/token-log-probs.ts';
import { lossGradients, disposeGradients } from '../../../src/train/gradients.ts';
import { makePackedBatch } from '../../../src/train/packed-batch.ts';
import { scoredLogits } from '../../../src/train/policy-batch.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { type JudgedModel, randomModel } from '../../reference/judge-model.ts';
import { at } from '../../reference/tensor64.ts';

/** Two prompts with three and two completions, and one prompt with one; the second prompt is a single token. */
function groupsOf({ sequences }: JudgedModel): Example[] {
  const tokens = Int32Array.from(at(sequences, 0).tokens);
  const prompts = [tokens.slice(0, 9), tokens.slice(4, 5), tokens.slice(2, 20)];
  const lengths = [[4, 1, 7], [3, 5], [2]];
  return prompts.flatMap((prompt, p) =>
    at(lengths, p).map((length, i) => ({ prompt, completion: tokens.slice(10 + i, 10 + i + length) })),
  );
}

describe('a packed batch', () => {
  it('scores every token of every completion once, in order, each in its own row', () => {
    const arbitrary = fc.array(
      fc.record({
        prompt: fc.array(fc.nat(50), { minLength: 1, maxLength: 12 }),
        completions: fc.array(fc.array(fc.nat(50), { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 4 }),
      }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(arbitrary, (groups) => {
        const examples = groups.flatMap(({ prompt, completions }) => {
          const shared = Int32Array.from(prompt);
          return completions.map((ids): Example => ({ prompt: shared, completion: Int32Array.from(ids) }));
        });
        const { B, T, ids, layout, rows, targets, weights, tokens } = makePackedBatch(examples);
        const whole = makeTrainingBatch(examples);
        const expected = examples.flatMap(({ completion }) => [...completion]);
        expect(Array.from(targets.subarray(0, expected.length))).toEqual(expected);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(expected.length);
        expect(new Set(rows).size).toBe(rows.length);
        expect(B).toBe(groups.length);
        expect(tokens).toBe(whole.tokens);
        // What a scored row sees, in the order of positions, is the sequence up to its target.
        let row = 0;
        for (const { prompt, completion } of examples) {
          for (let i = 0; i < completion.length; i++) {
            const n = at([...rows], row++);
            const first = Math.floor(n / T) * T;
            const [sharedEnd = 0, ownStart = 0] = layout?.spans.subarray(2 * n, 2 * n + 2) ?? [];
            const seen = Array.from({ length: T }, (_, s) => s).filter(
              (s) => s < sharedEnd || (ownStart <= s && s <= n - first),
            );
            expect(seen.map((s) => ids[first + s])).toEqual([...prompt, ...completion.subarray(0, i)]);
            expect(seen.map((s) => layout?.positions[first + s])).toEqual(seen.map((_, position) => position));
          }
        }
      }),
    );
  });

  describe.each(['cpu', 'wasm'] as const)('on %s', (backend) => {
    beforeAll(() => useBackend(backend));

    it('gives the log-probabilities and gradients of whole sequences', async () => {
      using judged = randomModel('odd');
      const { model } = judged;
      const examples = groupsOf(judged);
      const results = [makePackedBatch(examples), makeTrainingBatch(examples)].map((batch) =>
        lossGradients(model.weights, [
          () => {
            const logProbs = tokenLogProbs(scoredLogits(model, batch), batch.targets);
            return { loss: tf.neg(tf.sum<tf.Scalar>(tf.mul(logProbs, batch.weights))), scores: logProbs };
          },
        ]),
      );
      const [packed, whole] = [at(results, 0), at(results, 1)];
      const tokens = examples.reduce((sum, { completion }) => sum + completion.length, 0);
      const tolerance = { absolute: 3e-5, relative: 3e-5 };
      const scoresOf = async (result: typeof packed) => (await result?.scores[0]?.data())?.slice(0, tokens) ?? [];
      expectClose([...(await scoresOf(packed))], [...(await scoresOf(whole))], tolerance, 'log-probabilities');
      for (const [i, name] of [...model.weights.keys()].entries()) {
        const [got, expected] = [await packed?.byWeight[i]?.data(), await whole?.byWeight[i]?.data()];
        expectClose([...(got ?? [])], [...(expected ?? [1])], { absolute: 1e-4, relative: 1e-4 }, name);
      }
      for (const each of results) disposeGradients(each);
    });
  });
});
