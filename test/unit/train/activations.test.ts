/** What modules of a model give: the same for a batch as for its parts, and as the arithmetic of the model says. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { Rng } from '../../../src/common/rng.ts';
import { SftConfigSchema } from '../../../src/config/sft-config.ts';
import { type Example, makeTrainingBatch } from '../../../src/data/batches.ts';
import type { Transformer } from '../../../src/model/transformer.ts';
import { disposeWeights, initialWeights, loadWeights } from '../../../src/model/weights.ts';
import { hashWeights } from '../../../src/runs/weights-hash.ts';
import { measureActivations, takeActivations } from '../../../src/train/activations.ts';
import { trainSft, type SftLogEntry } from '../../../src/train/sft.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { learnableExamples } from '../../reference/sft-runs.ts';
import { loadModel, makeTask, runGrpo, TINY } from './grpo-runs.ts';

const TWO_LAYERS = { ...TINY, layers: 2 };
const EXAMPLES: readonly Example[] = [
  { prompt: Int32Array.of(3, 4, 5), completion: Int32Array.of(6, 7) },
  { prompt: Int32Array.of(9), completion: Int32Array.of(8, 7, 6, 5, 4) },
  { prompt: Int32Array.of(2, 30, 31, 32, 33, 34, 35, 20, 21, 22), completion: Int32Array.of(1) },
];

function modelWith(change: (name: string) => 'zero' | undefined = () => undefined): Transformer {
  const values = initialWeights(TWO_LAYERS, new Rng(2));
  for (const [name, { data }] of values) if (change(name) === 'zero') data.fill(0);
  return { config: TWO_LAYERS, weights: loadWeights(TWO_LAYERS, values) };
}

async function given(model: Transformer, examples: readonly Example[]): Promise<Record<string, number>> {
  const measured = measureActivations(model, makeTrainingBatch(examples), examples.length);
  const read = await takeActivations(measured);
  if (read === null) throw new Error('not finite');
  return read;
}

describe('what the modules of a model give', () => {
  beforeAll(() => useBackend('wasm'));

  it('is the mean over scored rows, whatever pads them', async () => {
    const model = modelWith();
    const rowsOf = ({ completion }: Example): number => completion.length;
    const all = EXAMPLES.reduce((sum, example) => sum + rowsOf(example), 0);
    const parts = await Promise.all(EXAMPLES.map((example) => given(model, [example])));
    const whole = await given(model, EXAMPLES);
    const modules = Object.keys(whole);
    expect(modules).toEqual([
      'model.embed_tokens',
      ...Array.from({ length: TWO_LAYERS.layers }, (_, l) => [`model.layers.${l}.self_attn`, `model.layers.${l}.mlp`, `model.layers.${l}`]).flat(), // prettier-ignore
      'model.norm',
    ]);
    const wanted = modules.map((module) =>
      Math.sqrt(EXAMPLES.reduce((sum, each, i) => sum + (rowsOf(each) / all) * (parts[i]?.[module] ?? NaN) ** 2, 0)),
    );
    expectClose(Object.values(whole), wanted, { absolute: 1e-7, relative: 1e-5 });
    disposeWeights(model.weights);
  });

  it('is nothing of what adds nothing, and the embedding is that of the tokens', async () => {
    const last = TWO_LAYERS.layers - 1;
    const model = modelWith((name) => (/o_proj|down_proj/u.test(name) ? 'zero' : undefined));
    const [example] = EXAMPLES;
    const found = await given(model, EXAMPLES.slice(0, 1));
    expect(found['model.layers.0.self_attn']).toBe(0);
    expect(found[`model.layers.${last}.mlp`]).toBe(0);
    const table = await model.weights.get('model.embed_tokens.weight')?.data<'float32'>();
    const { width: C } = TWO_LAYERS;
    // The last token of the prompt and all but the last of the completion have a next token that is scored.
    const ids = [...(example?.prompt ?? []), ...(example?.completion ?? [])].slice(2, -1);
    const values = ids.flatMap((id) => Array.from(table?.subarray(id * C, (id + 1) * C) ?? []));
    const rms = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
    const streams = ['model.embed_tokens', 'model.layers.0', `model.layers.${last}`].map((name) => found[name] ?? NaN);
    expectClose(streams, [rms, rms, rms], { absolute: 1e-7, relative: 1e-5 });
    expect(found['model.norm']).toBeCloseTo(1, 2);
    disposeWeights(model.weights);
  });

  it('is recorded at logged steps, of the update before it, and changes no weight and leaves no tensor', async () => {
    const config = v.parse(SftConfigSchema, { steps: 2, batchSize: 4, warmupSteps: 0, logEvery: 1, evaluateEvery: 2 });
    const log: SftLogEntry[] = [];
    const model = modelWith();
    const before = tf.memory().numTensors;
    await trainSft(config, { model, examples: learnableExamples(8), onLog: (entry) => log.push(entry) });
    expect(tf.memory().numTensors).toBe(before);
    expect(log).toHaveLength(2);
    expect(Object.keys(log[0]?.activations ?? {})).toEqual(Object.keys(await given(model, EXAMPLES)));
    expect(log[0]?.activations).not.toEqual(log[1]?.activations);
    disposeWeights(model.weights);
  });

  it('is recorded at each step of reinforcement, and changes no bit of it', async () => {
    const task = makeTask();
    const start = initialWeights(TINY, new Rng(3));
    const settings = { steps: 2, minibatches: 2 };
    const { state, records } = await runGrpo(task, start, settings, 2);
    const unseen = await runGrpo(task, start, settings, 2, undefined, { onStep: undefined });
    expect(hashWeights(state.weights)).toBe(hashWeights(unseen.state.weights));
    expect(records).toHaveLength(2);
    const model = loadModel(start);
    expect(Object.keys(records[0]?.activations ?? {})).toEqual(Object.keys(await given(model, EXAMPLES)));
    expect(records[0]?.activations).not.toEqual(records[1]?.activations);
    disposeWeights(model.weights);
    for (const { gradient } of records) {
      expect(Object.keys(gradient.byWeight ?? {})).toEqual([...start.keys()]);
    }
  });

  it('comes with the gradient of each weight, whose squares sum to that of the whole', async () => {
    const { records } = await runGrpo(makeTask(), initialWeights(TINY, new Rng(3)), { steps: 1 }, 1);
    const { norm, byWeight } = records[0]?.gradient ?? { norm: null, byWeight: null };
    expect(norm).toBeGreaterThan(0);
    expect(Math.hypot(...Object.values(byWeight ?? {}))).toBeCloseTo(norm ?? NaN, 6);
  });
});
