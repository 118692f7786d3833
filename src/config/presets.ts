/**
 * Named model shapes, from one that trains in a lesson to one that needs a real GPU.
 *
 * The vocabulary is part of a preset because a byte-level BPE is trained with it: small models spend their few
 * parameters on layers, not on rare words.
 */
import type { ModelConfig } from './model-config.ts';

const family = { ropeTheta: 10_000, normEps: 1e-6, qkNorm: true, attentionBias: false, tiedEmbeddings: true } as const;

/** The presets; the parameter counts are checked by a test. */
export const MODEL_PRESETS = {
  /** 0.14 M: for experiments with many runs, and for lessons. */
  'lab-nano': {
    ...family,
    vocabSize: 768,
    width: 64,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 16,
    hidden: 176,
    maxPositions: 192,
  },
  /** 0.4 M */
  nano: {
    ...family,
    vocabSize: 512,
    width: 96,
    layers: 3,
    heads: 4,
    kvHeads: 2,
    headDim: 24,
    hidden: 256,
    maxPositions: 192,
  },
  /** 1 M */
  micro: {
    ...family,
    vocabSize: 1024,
    width: 144,
    layers: 4,
    heads: 6,
    kvHeads: 2,
    headDim: 24,
    hidden: 384,
    maxPositions: 512,
  },
  /** 5 M */
  mini: {
    ...family,
    vocabSize: 4096,
    width: 256,
    layers: 6,
    heads: 8,
    kvHeads: 4,
    headDim: 32,
    hidden: 640,
    maxPositions: 512,
  },
  /** 20 M */
  small: {
    ...family,
    vocabSize: 8192,
    width: 448,
    layers: 8,
    heads: 8,
    kvHeads: 4,
    headDim: 56,
    hidden: 1152,
    maxPositions: 1024,
  },
  /** 60 M */
  base: {
    ...family,
    vocabSize: 16_384,
    width: 640,
    layers: 12,
    heads: 10,
    kvHeads: 5,
    headDim: 64,
    hidden: 1600,
    maxPositions: 1024,
  },
} as const satisfies Record<string, ModelConfig>;

export type PresetName = keyof typeof MODEL_PRESETS;

/** The names in the order of size, for lists and error messages. */
export const PRESET_NAMES = Object.keys(MODEL_PRESETS) as readonly PresetName[];
