/**
 * How sampled completions are judged, on whichever backend is current: that they do not depend on their batch, and end
 * where they must.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { type Completion, generateAll } from '../../src/infer/generate.ts';
import type { SamplerConfig } from '../../src/infer/sampler.ts';
import { type JudgedModel, randomModel } from './judge-model.ts';
import { at } from './tensor64.ts';

/** Prompts of several lengths, three of them the same. */
export function mixedPrompts({ sequences }: JudgedModel): Int32Array[] {
  const tokens = Int32Array.from(at(sequences, 0).tokens);
  const shared = tokens.slice(3, 15);
  return [tokens.slice(0, 5), shared, tokens.slice(7, 8), shared, tokens.slice(0, 17), shared, tokens.slice(9, 29)];
}

/** Completions are the same bits whatever stands beside them; returned for further looks. */
export async function judgeIndependence(
  judged: JudgedModel,
  sampler: SamplerConfig,
  maxTokens: number,
): Promise<Completion[]> {
  const prompts = mixedPrompts(judged);
  // A frequent end token, so that rows leave the batch at different times.
  const first = await generateAll(judged.model, prompts, { eosId: -1, maxTokens, sampler });
  const eosId = at(at(first, 3).ids, 2);
  const complete = (batchSize: number): Promise<Completion[]> =>
    generateAll(judged.model, prompts, { eosId, maxTokens, sampler, batchSize });
  const together = await complete(64);
  expect(new Set(together.map(({ ids }) => ids.length)).size).toBeGreaterThan(1);
  for (const batchSize of [1, 2, 3]) expect(await complete(batchSize)).toEqual(together);
  return together;
}

/** A completion ends at the last position of the model, where that comes first; nothing is left behind. */
export async function judgeLastPosition(): Promise<void> {
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
}
