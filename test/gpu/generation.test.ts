/**
 * Decoding on WebGPU: attention over a cache that is written in place, tokens sampled by a kernel, and both together in
 * generation.
 */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { fnv1a, Rng } from '../../src/common/rng.ts';
import { Decoding } from '../../src/infer/decoding.ts';
import { generateAll } from '../../src/infer/generate.ts';
import { advanced, allowedTokens, type HeldRow, heldRow } from '../../src/infer/held/held-rows.ts';
import { uploadHeldRows } from '../../src/infer/held/held-tables.ts';
import { GREEDY, sampleAllowed, type SamplerConfig, sampleToken } from '../../src/infer/sampler.ts';
import { drawnTokens, sampleTokens } from '../../src/kernels/sample-token.ts';
import { EOS } from '../../src/relevance/pair/vocabulary.ts';
import { groundedAutomata, HELD_TOKENIZER } from '../reference/held-automata.ts';
import { useBackend, useWebGpu } from '../reference/backends.ts';
import { expectClose } from '../reference/expect-close.ts';
import {
  CACHED_ATTENTION_CASES,
  judgeCachedAttention,
  SLOT_CASES,
  titleOf,
} from '../reference/judge-cached-attention.ts';
import { judgeIndependence, judgeLastPosition, mixedPrompts } from '../reference/judge-generation.ts';
import { type JudgedModel, randomModel } from '../reference/judge-model.ts';
import { at } from '../reference/tensor64.ts';
import { describeGpu, DEVICES, openGpu } from '../setup/dawn.ts';

describeGpu.each(DEVICES)('decoding on a WebGPU device of kind "%s"', (kind) => {
  const gpuErrors: string[] = [];
  beforeAll(async () => {
    const device = await useWebGpu(openGpu(), kind);
    device.addEventListener('uncapturederror', ({ error }) => gpuErrors.push(error.message));
  });
  // A pass that WebGPU rejects does not throw: the buffer keeps its old content, which may even be correct.
  afterEach(() => expect(gpuErrors).toEqual([]));

  describe('attention over a cache', () => {
    const cases = [...CACHED_ATTENTION_CASES, ...SLOT_CASES];
    it.each(cases.map((sizes) => ({ title: titleOf(sizes), sizes })))('$title', ({ sizes }) =>
      judgeCachedAttention(sizes),
    );
  });

  describe('the sampling kernel', () => {
    it.each(SAMPLERS)('samples the same tokens as the CPU: %j', async (sampler) => {
      for (const [B, V] of [
        [1, 1],
        [3, 7],
        [65, 31],
        [40, 130],
      ] as const) {
        const rows = Float32Array.from({ length: B * V }, (_, i) => 2 * new Rng(`${B} ${V} ${i}`).normal());
        for (let b = 0; b < B; b += 3) rows[b * V + V - 1] = rows[b * V] ?? 0; // ties
        const { ids, logProbs } = await drawByKernel(rows, B, sampler, -1);
        expect(ids.length).toBeGreaterThanOrEqual(B);
        let others = 0;
        for (const [i, id] of ids.entries()) {
          const b = i % B;
          const row = rows.subarray(b * V, (b + 1) * V);
          const expected = sampleToken(row, sampler, 100 + b, POSITION + Math.floor(i / B));
          if (id !== expected.id) others += 1;
          else expect(Math.abs(at(logProbs, i) - expected.logProb)).toBeLessThan(1e-5);
        }
        // In float32 a random number near the border between two tokens may fall on either side.
        expect(others).toBeLessThanOrEqual(sampler.temperature === 0 ? 0 : 0.01 * ids.length);
      }
    });

    it.each(SAMPLERS)('samples the same tokens as the CPU under automata: %j', async (sampler) => {
      const V = HELD_TOKENIZER.vocabSize;
      const starts = groundedAutomata().flatMap((automaton) => [24, 9].map((limit) => heldRow(automaton, limit)));
      const B = starts.length;
      const rows = Float32Array.from({ length: B * V }, (_, i) => 2 * new Rng(`held ${i}`).normal());
      const eosId = HELD_TOKENIZER.idOf(EOS);
      const steps = 24;
      const { ids, logProbs, states } = await drawHeldByKernel(rows, starts, sampler, eosId, steps);
      let others = 0;
      for (const [b, start] of starts.entries()) {
        let row: HeldRow = start;
        for (let step = 0; step < steps; step++) {
          const [id, logProb] = [at(ids, step * B + b), at(logProbs, step * B + b)];
          const allowed = allowedTokens(row);
          if (allowed.length === 0) {
            expect([id, logProb]).toEqual([eosId, 0]);
            continue;
          }
          expect([...allowed]).toContain(id);
          const expected = sampleAllowed(rows.subarray(b * V, (b + 1) * V), allowed, sampler, 100 + b, POSITION + step);
          if (id !== expected.id) others += 1;
          else expect(Math.abs(logProb - expected.logProb)).toBeLessThan(1e-5);
          row = advanced(row, id) ?? row;
        }
        expect(allowedTokens(row)).toHaveLength(0); // complete within the limit
        expect(at(states, 6 * b + 4)).toBe(row.length);
      }
      expect(others).toBeLessThanOrEqual(sampler.temperature === 0 ? 0 : 0.02 * ids.length);
    });

    it('repeats the end token once it was sampled', async () => {
      const rows = Float32Array.of(0, 0, 9, 0, 0, 9, 0, 0); // the second row samples token 1, the end token
      const { ids, logProbs } = await drawByKernel(rows, 2, { temperature: 0, seed: 0 }, 1, 4);
      expect(ids).toEqual([2, 1, 2, 1]);
      expect(logProbs[3]).toBe(0);
      expect(logProbs[1]).toBeLessThan(0);
    });
  });

  describe('completions', () => {
    it.each(SAMPLERS)('have the same bits in any batch: %j', async (sampler) => {
      using judged = slotModel();
      await judgeIndependence(judged, sampler, 20);
    });

    it('end at the last position of the model and free their tensors', judgeLastPosition);

    it('are the same streamed as generated at once, and free their tensors when the stream is closed early', async () => {
      using judged = slotModel();
      const prompt = at(mixedPrompts(judged), 0);
      const [whole] = await generateAll(judged.model, [prompt], { eosId: -1, maxTokens: 11 });
      const [first = 0, ...rest] = whole?.ids ?? [];
      const before = tf.memory().numTensors;
      for (const wanted of [rest.length, 3]) {
        const decoding = Decoding.start(judged.model, [prompt], 11);
        decoding.choose(Int32Array.of(first));
        const seen: number[] = [];
        for await (const id of decoding.stream(rest.length, { sampler: GREEDY, eosId: -1, rowIds: [0], position: 1 })) {
          seen.push(id);
          if (seen.length === wanted) break;
        }
        decoding.dispose();
        expect(seen).toEqual(rest.slice(0, wanted));
        expect(tf.memory().numTensors).toBe(before);
      }
    });

    it('are read back every 16 tokens and equal those of the CPU', async () => {
      using judged = slotModel();
      const prompts = mixedPrompts(judged);
      const sampler = { temperature: 1, seed: 3 };
      const mapAsync = vi.spyOn(GPUBuffer.prototype, 'mapAsync');
      const onGpu = await generateAll(judged.model, prompts, { eosId: -1, maxTokens: 32, sampler });
      expect(mapAsync).toHaveBeenCalledTimes(2);
      mapAsync.mockRestore();
      const backend = tf.getBackend();
      await useBackend('wasm');
      {
        using copy = slotModel();
        const onCpu = await generateAll(copy.model, prompts, { eosId: -1, maxTokens: 32, sampler });
        expect(onGpu.map(({ ids }) => ids)).toEqual(onCpu.map(({ ids }) => ids));
        expectClose(
          onGpu.flatMap(({ logProbs }) => logProbs),
          onCpu.flatMap(({ logProbs }) => logProbs),
          { absolute: 5e-5 },
        );
      }
      await tf.setBackend(backend);
    });
  });
});

const SAMPLERS: readonly SamplerConfig[] = [
  { temperature: 0, seed: 0 },
  { temperature: 1, seed: 7 },
  { temperature: 0.6, seed: 8 },
  { temperature: 1, seed: 9, topK: 3 },
  { temperature: 1, seed: 10, topP: 0.8 },
  { temperature: 1.5, seed: 11, topK: 20, topP: 0.6 },
];

const POSITION = 8;
const STEPS = 3;

/** Samples several tokens from the same logits; the row ids are 100, 101, ... */
async function drawByKernel(
  rows: Float32Array,
  B: number,
  { temperature, seed, topK, topP = 1 }: SamplerConfig,
  eosId: number,
  V = rows.length / B,
): Promise<{ ids: number[]; logProbs: number[] }> {
  const steps = eosId === -1 ? STEPS : 2;
  const logits = tf.tensor2d(rows, [B, V]);
  const ids = tf.tensor1d(new Int32Array(B).fill(-2), 'int32');
  const hashes = tf.tensor1d(
    Int32Array.from({ length: B }, (_, b) => fnv1a(`${seed}/${100 + b}/`)),
    'int32',
  );
  const drawn = drawnTokens(steps, B);
  const choice = { temperature, topK: Math.min(topK ?? V, V), topP, eosId };
  for (let step = 0; step < steps; step++) {
    sampleTokens(logits, { ids, hashes, drawn }, choice, step, POSITION + step);
  }
  const values = [...(await drawn.data())];
  tf.dispose([logits, ids, hashes, drawn]);
  const part = (which: number): number[] =>
    Array.from({ length: steps }, (_, step) => values.slice((2 * step + which) * B, (2 * step + which + 1) * B)).flat();
  return { ids: part(0), logProbs: part(1) };
}

/**
 * The same for rows constrained by automata, from their start states; also returns the final states of the rows, `B*6`.
 */
async function drawHeldByKernel(
  rows: Float32Array,
  starts: readonly HeldRow[],
  { temperature, seed, topK, topP = 1 }: SamplerConfig,
  eosId: number,
  steps: number,
): Promise<{ ids: number[]; logProbs: number[]; states: number[] }> {
  const B = starts.length;
  const V = rows.length / B;
  const logits = tf.tensor2d(rows, [B, V]);
  const ids = tf.tensor1d(new Int32Array(B).fill(-2), 'int32');
  const hashes = tf.tensor1d(
    Int32Array.from({ length: B }, (_, b) => fnv1a(`${seed}/${100 + b}/`)),
    'int32',
  );
  const drawn = drawnTokens(steps, B);
  const held = uploadHeldRows(starts);
  const choice = { temperature, topK: Math.min(topK ?? V, V), topP, eosId };
  for (let step = 0; step < steps; step++) {
    sampleTokens(logits, { ids, hashes, drawn }, choice, step, POSITION + step, held);
  }
  const values = [...(await drawn.data())];
  const states = [...(await held.rows.data())];
  tf.dispose([logits, ids, hashes, drawn, held.offsets, held.choices, held.rows]);
  const part = (which: number): number[] =>
    Array.from({ length: steps }, (_, step) => values.slice((2 * step + which) * B, (2 * step + which + 1) * B)).flat();
  return { ids: part(0), logProbs: part(1), states };
}

/** A model with a head size that the kernels support. */
function slotModel(): JudgedModel {
  return randomModel('grouped');
}
