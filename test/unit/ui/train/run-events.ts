/** Events of a run, for tests of the page's state. */
import type { TrainingEventOf } from '../../../../src/protocol/training.ts';

export function preparedEvent(change: Partial<TrainingEventOf<'prepared'>> = {}): TrainingEventOf<'prepared'> {
  return {
    kind: 'prepared',
    experiment: { name: 'tiny' },
    runId: 'run',
    dataHash: 'f00d',
    parameters: 125_312,
    vocabSize: 512,
    trainPairs: 48,
    devPairs: 2,
    shortened: 0,
    step: 0,
    steps: 100,
    curve: [],
    predicted: { stepMs: 10, runMs: 1000, memoryBytes: 1 },
    ...change,
  };
}

export function logEvent(step: number, lossNats = 1): TrainingEventOf<'log'> {
  const speed = { tokensPerSec: 1000, stepMs: 10, secondsLeft: (100 - step) / 100 };
  const memory = { tensors: 29, bytes: 1_000_000 };
  return {
    kind: 'log',
    step,
    steps: 100,
    lossNats,
    gradNorm: 1,
    gradNorms: { 'model.embed_tokens.weight': 0.6, 'model.layers.0.mlp.up_proj.weight': lossNats },
    activations: { 'model.embed_tokens': 1, 'model.layers.0.mlp': 2 * lossNats },
    learningRate: 0.003,
    tokens: step * 10,
    ...speed,
    memory,
  };
}

export function evaluationEvent(step: number, accuracy: number | null): TrainingEventOf<'evaluation'> {
  return {
    kind: 'evaluation',
    step,
    isScheduled: true,
    pairs: 2,
    accuracy,
    macroF1: accuracy,
    pairAccuracy: accuracy,
    leftOut: [],
    ndcg10: 0.8,
    expertLossNats: 2,
    completions: 0,
    validTraces: null,
    strictReward: null,
    headAccuracy: null,
    tailAccuracy: null,
  };
}
