/**
 * A lab model with everything but knowledge: the tokenizer and rules of a small rule world, random weights.
 */
import * as v from 'valibot';
import { Rng } from '../../src/common/rng.ts';
import { toHuggingFaceConfig, type ModelConfig } from '../../src/config/model-config.ts';
import { writeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { makeLabFile } from '../../src/runs/models/lab-file.ts';
import { tokenIdsOf } from '../../src/runs/models/transformers-files.ts';
import { trainWorldTokenizer } from '../../src/runs/sft-experiment.ts';
import { SftExperimentSchema } from '../../src/protocol/sft-experiment.ts';
import { type LabModel, readLabModel, type ModelFileName } from '../../src/infer/lab-model.ts';
import type { ModelCard } from '../../src/infer/model-card.ts';
import { loadForAnswering, type StoredWeights } from '../../src/model/stored-weights.ts';
import { initialWeights } from '../../src/model/weights.ts';
import { makeRuleWorld, type RuleWorld } from '../../src/relevance/world/rule-world.ts';

export const SMALL_WORLD: RuleWorld = makeRuleWorld({ trainQueries: 60, devQueries: 30, testQueries: 30 });

const CONFIG: ModelConfig = {
  vocabSize: 512,
  width: 32,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  hidden: 48,
  maxPositions: 192,
  ropeTheta: 10_000,
  normEps: 1e-6,
  qkNorm: true,
  attentionBias: false,
  tiedEmbeddings: true,
};

export const SMALL_CARD: ModelCard = {
  schemaVersion: 1,
  name: 'random',
  description: 'A model that has learned nothing.',
  parameters: 0,
  dtype: 'f32',
  data: { name: 'none', hash: '', trainPairs: 0 },
  training: { command: 'none', seed: 0, steps: 0, tokens: 0, device: 'none', date: '2026-01-01' },
  evaluation: null,
  curve: [],
  limits: [],
};

export const SMALL_PROMPT = v.parse(SftExperimentSchema, {}).prompt;

/** The files of the model, as a folder or a server would give them. */
export function smallModelFiles(seed = 1): Map<ModelFileName, Uint8Array> {
  const experiment = v.parse(SftExperimentSchema, {});
  const tokenizer = trainWorldTokenizer(SMALL_WORLD, experiment, CONFIG.vocabSize);
  const tensors = [...initialWeights(CONFIG, new Rng(seed))].map(([name, { shape, data }]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    data,
  }));
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return new Map<ModelFileName, Uint8Array>([
    ['config.json', json({ ...toHuggingFaceConfig(CONFIG), ...tokenIdsOf(tokenizer) })],
    ['tokenizer.json', json(tokenizer.toJson())],
    ['lab.json', json(makeLabFile(SMALL_WORLD, SMALL_PROMPT))],
    ['card.json', json(SMALL_CARD)],
    ['model.safetensors', writeSafetensors(tensors)],
  ]);
}

/** The model on the current backend. */
export function smallLabModel(seed = 1): LabModel {
  const { config, stored, ...facts } = readLabModel(smallModelFiles(seed));
  return { ...facts, transformer: loadForAnswering(config, stored as StoredWeights) };
}
