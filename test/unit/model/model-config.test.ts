/**
 * Shapes of models: conversion between the lab's and Hugging Face's names, and the documented sizes of presets.
 */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import {
  countParameters,
  fromHuggingFaceConfig,
  ModelConfigSchema,
  toHuggingFaceConfig,
} from '../../../src/config/model-config.ts';
import { MODEL_PRESETS, PRESET_NAMES } from '../../../src/config/presets.ts';
import { initialWeights, weightShapes } from '../../../src/model/weights.ts';
import { sizeOf } from '../../reference/tensor64.ts';
import { loadTorchFixture, readJson, TORCH_FIXTURES } from '../../reference/torch-fixture.ts';

describe('fromHuggingFaceConfig', () => {
  it('reads theta from the keys of transformers 4 and transformers 5', () => {
    expect(fromHuggingFaceConfig(readJson('qwen3-tiny/config.json')).ropeTheta).toBe(1_000_000);
    expect(fromHuggingFaceConfig(readJson('llama-tiny/config.json')).ropeTheta).toBe(500);
  });

  it('rejects unsupported features', () => {
    const qwen3 = readJson('qwen3-tiny/config.json') as Record<string, unknown>;
    expect(() => fromHuggingFaceConfig({ ...qwen3, rope_scaling: { type: 'yarn', factor: 4 } })).toThrow(
      /scaled rotary/,
    );
    expect(() => fromHuggingFaceConfig({ ...qwen3, rope_parameters: { rope_theta: 1, rope_type: 'llama3' } })).toThrow(
      /llama3/,
    );
    expect(() => fromHuggingFaceConfig({ ...qwen3, use_sliding_window: true })).toThrow(/use_sliding_window/);
    expect(() => fromHuggingFaceConfig({ ...qwen3, model_type: 'gemma' })).toThrow(/model_type/);
    expect(() => fromHuggingFaceConfig({ ...qwen3, hidden_act: 'gelu' })).toThrow(/hidden_act/);
    const gptq = { quantization_config: { quant_method: 'gptq', bits: 4 } };
    expect(() => fromHuggingFaceConfig({ ...qwen3, ...gptq })).toThrow(/quantised.*gptq.*before it was quantised/su);
    expect(() => fromHuggingFaceConfig({ ...qwen3, num_key_value_heads: 3 })).toThrow(/multiple of kvHeads/);
  });

  it.each(TORCH_FIXTURES)('expects exactly the tensors of %s', (name) => {
    const config = fromHuggingFaceConfig(readJson(`${name}/config.json`));
    const { weights } = loadTorchFixture(name);
    const expected = [...weights].map(([key, { shape }]) => [key, shape]);
    expect(Object.fromEntries(weightShapes(config))).toEqual(Object.fromEntries(expected));
    expect(countParameters(config)).toBe([...weights.values()].reduce((sum, { data }) => sum + data.length, 0));
  });
});

describe('toHuggingFaceConfig', () => {
  it.each(TORCH_FIXTURES)('round-trips the shape of %s', (name) => {
    const config = fromHuggingFaceConfig(readJson(`${name}/config.json`));
    expect(fromHuggingFaceConfig(toHuggingFaceConfig(config))).toEqual(config);
  });

  it.each(PRESET_NAMES)('round-trips the preset %s', (name) => {
    expect(fromHuggingFaceConfig(toHuggingFaceConfig(MODEL_PRESETS[name]))).toEqual(MODEL_PRESETS[name]);
  });
});

describe('MODEL_PRESETS', () => {
  it('have the documented sizes, in millions of parameters', () => {
    const millions = PRESET_NAMES.map((name) => [
      name,
      Number((countParameters(MODEL_PRESETS[name]) / 1e6).toPrecision(1)),
    ]);
    expect(Object.fromEntries(millions)).toEqual({
      'lab-nano': 0.1,
      nano: 0.4,
      micro: 1,
      mini: 5,
      small: 20,
      base: 60,
    });
  });
});

describe('sizes without end', () => {
  it.each([
    ['layers', 2e9],
    ['width', Infinity],
    ['hidden', 2 ** 24],
    ['ropeTheta', Infinity],
  ])('of %s are refused before anything is allocated', (key, value) => {
    const shape = { ...MODEL_PRESETS.base, vocabSize: 2 ** 20, width: 4096, [key]: value };
    expect(v.safeParse(ModelConfigSchema, shape).success).toBe(false);
    expect(v.safeParse(ModelConfigSchema, MODEL_PRESETS.base).success).toBe(true);
  });
});

describe('initialWeights', () => {
  const config = MODEL_PRESETS['lab-nano'];

  it('are a function of the seed, tensor by tensor', () => {
    const [one, same, other] = [new Rng(1), new Rng(1), new Rng(2)].map((rng) => initialWeights(config, rng));
    expect(same).toEqual(one);
    expect(other?.get('model.embed_tokens.weight')).not.toEqual(one?.get('model.embed_tokens.weight'));
  });

  it('have the shapes of the config, norms of 1, and maps that preserve variance', () => {
    const weights = initialWeights(config, new Rng('init'));
    expect(new Map([...weights].map(([name, { shape }]) => [name, shape]))).toEqual(weightShapes(config));
    for (const [name, { shape, data }] of weights) {
      expect(data.length).toBe(sizeOf(shape));
      const std = Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
      if (name.endsWith('norm.weight')) expect(new Set(data)).toEqual(new Set([1]));
      else if (name.endsWith('q_proj.weight')) expect(std * Math.sqrt(config.width)).toBeCloseTo(1, 1);
    }
  });
});
