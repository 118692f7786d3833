import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Completion, generateAll } from '../../../src/infer/generate.ts';
import { useBackend } from '../../reference/backends.ts';
import { type JudgedModel, randomModel } from '../../reference/judge-model.ts';
import { at } from '../../reference/tensor64.ts';

const SAMPLER = { temperature: 1, seed: 7 };

function promptsOf({ sequences }: JudgedModel): Int32Array[] {
  const tokens = Int32Array.from(at(sequences, 0).tokens);
  const shared = tokens.slice(3, 15);
  return [tokens.slice(0, 5), shared, tokens.slice(7, 8), shared, tokens.slice(0, 17), shared, tokens.slice(9, 29)];
}

describe.each(['cpu', 'wasm'] as const)('completions on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('are the same bits whatever stands beside them in their batch', async () => {
    using judged = randomModel('odd');
    const prompts = promptsOf(judged);
    // A frequent end token, so that rows leave the batch at different times.
    const first = await generateAll(judged.model, prompts, { eosId: -1, maxTokens: 12, sampler: SAMPLER });
    const eosId = at(at(first, 3).ids, 2);
    const complete = (batchSize: number): Promise<Completion[]> =>
      generateAll(judged.model, prompts, { eosId, maxTokens: 12, sampler: SAMPLER, batchSize });
    const together = await complete(64);
    expect(new Set(together.map(({ ids }) => ids.length)).size).toBeGreaterThan(1);
    for (const batchSize of [1, 2, 3]) expect(await complete(batchSize)).toEqual(together);
  });

  it('end at the last position of the model, where that comes first, and leave nothing behind', async () => {
    using judged = randomModel('odd');
    const { model } = judged;
    const tokens = at(judged.sequences, 0).tokens;
    const room = { ...model.config, maxPositions: 20 };
    const prompts = [Int32Array.from(tokens.slice(0, 18)), Int32Array.from(tokens.slice(0, 3))];
    const before = tf.memory().numTensors;
    const completions = await generateAll({ ...model, config: room }, prompts, { eosId: -1, maxTokens: 9 });
    expect(completions.map(({ ids, isComplete }) => [ids.length, isComplete])).toEqual([
      [3, false],
      [9, false],
    ]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
