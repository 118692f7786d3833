/** The boundary of the training worker: well-formed messages pass unchanged, others are rejected. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  TrainingCommandSchema,
  type TrainingEvent,
  TrainingEventSchema,
  TrainRequestSchema,
} from '../../../src/protocol/training.ts';

const PREDICTED = { stepMs: 12.5, runMs: 25_000, memoryBytes: 1e8 };
const LOG: TrainingEvent = {
  kind: 'log',
  step: 10,
  steps: 2000,
  lossNats: 5.2,
  gradNorm: 1.1,
  gradNorms: { 'model.norm.weight': 1.1 },
  activations: { 'model.norm': 0.9 },
  learningRate: 3e-4,
  tokens: 40_000,
  tokensPerSec: null,
  stepMs: null,
  secondsLeft: null,
  memory: { tensors: 40, bytes: 12_000_000 },
};
const EVENTS: TrainingEvent[] = [
  { kind: 'backend', backend: 'wasm', device: 'CPU', reason: 'no GPU', problems: ['The webgpu backend is not used.'] },
  { kind: 'preparing', stage: 'tokenizer' },
  {
    kind: 'prepared',
    experiment: { preset: 'nano' },
    runId: 'r1',
    dataHash: '15501360',
    parameters: 400_000,
    vocabSize: 768,
    trainPairs: 60_000,
    devPairs: 600,
    shortened: 0,
    step: 250,
    steps: 2000,
    curve: [{ step: 250, tokens: 1_000_000, lossNats: 0.9, devAccuracy: 0.6 }],
    predicted: PREDICTED,
  },
  LOG,
  { ...LOG, gradNorm: null, gradNorms: null, activations: null, lossScale: { scale: 32_768, skipped: 1 } },
  { kind: 'checkpoint', step: 250, id: 'c1', sizeBytes: 5_000_000 },
  { kind: 'unsaved', step: 500, code: 'out-of-memory', message: 'The storage is full.' },
  { kind: 'paused', step: 501 },
  { kind: 'resumed', step: 501 },
  { kind: 'recovering', step: 250, reason: 'the device was lost' },
  { kind: 'finished', step: 2000, tokens: 8_000_000, weightsHash: '0123456789abcdef', checkpointId: 'c8' },
  { kind: 'stopped', step: 17, checkpointId: null },
  { kind: 'failed', code: 'not-finite', message: 'Step 3.', checkpointId: 'c1' },
];

describe('training events', () => {
  it.each(EVENTS)('$kind is unchanged by a structured clone', (event) => {
    expect(v.parse(TrainingEventSchema, structuredClone(event))).toEqual(event);
  });

  it.each([
    ['an unknown kind', { kind: 'done' }],
    ['an unknown key', { ...LOG, extra: 1 }],
    ['a loss that is no number', { ...LOG, lossNats: NaN }],
    ['half a step', { ...LOG, step: 1.5 }],
    ['an unknown failure code', { kind: 'failed', code: 'toString', message: '', checkpointId: null }],
  ])('%s is rejected', (_, event) => {
    expect(v.safeParse(TrainingEventSchema, event).success).toBe(false);
  });
});

describe('training requests', () => {
  it('start from settings, from a checkpoint or from bytes', () => {
    const bytes = new Uint8Array([1, 2]);
    expect(v.parse(TrainRequestSchema, { from: { kind: 'experiment', experiment: {} } })).toEqual({
      from: { kind: 'experiment', experiment: {} },
      backend: 'auto',
      isRecorded: true,
      isVisible: true,
    });
    expect(v.parse(TrainRequestSchema, structuredClone({ from: { kind: 'bytes', bytes } })).from).toEqual({
      kind: 'bytes',
      bytes,
    });
    expect(v.safeParse(TrainRequestSchema, { from: { kind: 'checkpoint', id: 'c1' }, backend: 'cpu' }).success).toBe(
      true,
    );
  });

  it.each([
    ['nothing', undefined],
    ['no beginning', {}],
    ['an unknown beginning', { from: { kind: 'nowhere' } }],
    ['a checkpoint without a name', { from: { kind: 'checkpoint', id: '' } }],
    ['bytes that are none', { from: { kind: 'bytes', bytes: [1, 2] } }],
    ['an unknown backend', { from: { kind: 'checkpoint', id: 'c1' }, backend: 'webgl' }],
  ])('%s is rejected', (_, request) => {
    expect(v.safeParse(TrainRequestSchema, request).success).toBe(false);
  });
});

describe('training commands', () => {
  it('are a closed list', () => {
    for (const kind of ['pause', 'resume', 'step', 'stop', 'evaluate', 'save']) {
      expect(v.parse(TrainingCommandSchema, { kind })).toEqual({ kind });
    }
    expect(v.safeParse(TrainingCommandSchema, { kind: 'visibility' }).success).toBe(false);
    expect(v.safeParse(TrainingCommandSchema, { kind: 'rewind' }).success).toBe(false);
    expect(v.safeParse(TrainingCommandSchema, { kind: 'pause', soon: true }).success).toBe(false);
  });
});
