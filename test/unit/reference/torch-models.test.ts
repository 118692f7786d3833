/**
 * The reference decoder against PyTorch: the oracle of the lab's model must itself have been judged by someone else.
 */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { finiteDifference } from '../../reference/finite-difference.ts';
import { at, dot, type Tensor64 } from '../../reference/tensor64.ts';
import { loadTorchFixture, TORCH_FIXTURES } from '../../reference/torch-fixture.ts';
import { lossReference, transformerReference, weightOf } from '../../reference/transformer-reference.ts';

describe.each(TORCH_FIXTURES)('%s', (name) => {
  const { config, weights, sequences, logits, lossNats, gradients } = loadTorchFixture(name);
  const lossWith = (key: string, weight: Tensor64) =>
    lossReference(config, new Map(weights).set(key, weight), sequences);

  it('gives the logits of PyTorch', () => {
    expect(sequences.map(({ tokens }) => tokens.length)).toEqual([1, 17, 9]);
    for (const [i, { tokens }] of sequences.entries()) {
      const got = transformerReference(config, weights, tokens);
      expect(got.shape).toEqual([tokens.length, config.vocab_size]);
      expectClose(got.data, at(logits, i).data, { absolute: 1e-5 }, `logits of sequence ${i}`);
    }
  });

  it('gives the loss of PyTorch', () => {
    expectClose([lossReference(config, weights, sequences)], [lossNats], { absolute: 1e-6 }, 'loss');
  });

  it('changes along random directions as the gradients of PyTorch say', () => {
    for (const [key, weight] of weights) {
      const rng = new Rng(key);
      const direction = weight.data.map(() => rng.normal());
      const alongDirection = ([step = 0]: Float64Array) =>
        lossWith(key, { shape: weight.shape, data: weight.data.map((w, i) => w + step * at(direction, i)) });
      const expected = dot(weightOf(gradients, key).data, direction);
      expectClose(
        finiteDifference(alongDirection, [0]),
        [expected],
        { absolute: 1e-5, relative: 1e-5 },
        `slope of ${key}`,
      );
    }
  });

  it('changes with single weights as the gradients of PyTorch say', () => {
    for (const [key, weight] of weights) {
      const rng = new Rng(key);
      const indices = [rng.int(weight.data.length), rng.int(weight.data.length), rng.int(weight.data.length)];
      const got = finiteDifference((data) => lossWith(key, { shape: weight.shape, data }), weight.data, 1e-5, indices);
      for (const i of indices) {
        expectClose(
          [at(got, i)],
          [at(weightOf(gradients, key).data, i)],
          { absolute: 1e-5 },
          `gradient ${i} of ${key}`,
        );
      }
    }
  });
});

describe('transformerReference', () => {
  const { config, weights } = loadTorchFixture('qwen3-tiny');

  it('never lets a later token change an earlier row', () => {
    const short = transformerReference(config, weights, [5, 6, 7]);
    const long = transformerReference(config, weights, [5, 6, 7, 8, 9]);
    expectClose(long.data.subarray(0, short.data.length), short.data, { absolute: 0, relative: 1e-14 }, 'logits');
  });

  it('names a weight that is missing', () => {
    const without = new Map(weights);
    without.delete('model.layers.1.mlp.up_proj.weight');
    expect(() => transformerReference(config, without, [1])).toThrow(/model\.layers\.1\.mlp\.up_proj\.weight/);
  });
});
