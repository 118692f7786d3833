/**
 * A training thread that plays a script instead of training, to show the training view in every state: a run in
 * progress, a failure, a backend that does not start, a checkpoint that cannot be saved.
 */
import { LabError } from '../../src/common/errors.ts';
import type { TrainingCommand, TrainingEvent, TrainingPlan } from '../../src/protocol/training.ts';
import type { TrainingClient } from '../../src/ui/parts/sessions/training-client.ts';

/** The states of a run after its start; `no-backend` never starts one. */
export const RUN_SCENES = [
  'running',
  'preparing',
  'recovering',
  'unsaved',
  'finished',
  'failed',
  'no-backend',
  'too-large',
] as const;
export type RunScene = (typeof RUN_SCENES)[number];

const STEPS = 500;
const PREDICTED = { stepMs: 214, runMs: 107_000, memoryBytes: 148_000_000 };

const PLAN: TrainingPlan = {
  backend: 'wasm',
  device: 'CPU through WebAssembly',
  reason: 'WebGPU finds no GPU',
  problems: [],
  parameters: 131_840,
  predicted: PREDICTED,
  tooLarge: null,
  data: null,
};

const BACKEND: TrainingEvent = {
  kind: 'backend',
  backend: 'wasm',
  device: 'CPU through WebAssembly',
  reason: 'WebGPU finds no GPU',
  problems: [],
};

function prepared(experiment: unknown): TrainingEvent {
  return {
    kind: 'prepared',
    experiment,
    runId: 'run-of-the-script',
    dataHash: '6315f8f7',
    parameters: 131_840,
    vocabSize: 512,
    trainPairs: 18_000,
    devPairs: 300,
    shortened: 0,
    step: 0,
    steps: STEPS,
    curve: [],
    predicted: PREDICTED,
  };
}

/** Losses and accuracies like those of a real run, with a deterministic wobble. */
function logOf(step: number): TrainingEvent {
  const wobble = 0.06 * Math.sin(step * 1.7) + 0.04 * Math.sin(step * 0.53);
  return {
    kind: 'log',
    step,
    steps: STEPS,
    lossNats: 0.42 + 5.4 * Math.exp(-step / 70) + wobble,
    gradNorm: 0.62 + wobble,
    gradNorms: { 'model.embed_tokens.weight': 0.5, 'model.layers.0.mlp.up_proj.weight': 0.3 + wobble },
    activations: { 'model.embed_tokens': 1, 'model.layers.0.mlp': 0.5 + wobble, 'model.layers.0': 1.2 },
    learningRate: 0.003 * Math.cos((step / STEPS) * 1.4),
    tokens: step * 5120,
    tokensPerSec: 23_900,
    stepMs: 213.6,
    secondsLeft: (STEPS - step) * 0.2136,
    memory: { tensors: 412, bytes: 12_400_000 },
  };
}

function evaluationOf(step: number): TrainingEvent {
  const accuracy = 0.79 - 0.5 * Math.exp(-step / 130);
  return {
    kind: 'evaluation',
    step,
    isScheduled: true,
    pairs: 300,
    accuracy,
    macroF1: accuracy - 0.03,
    pairAccuracy: accuracy + 0.08,
    leftOut: ['NDCG leaves out 3 of 40 queries, which have no relevant document.'],
    ndcg10: 0.8,
    expertLossNats: 0.51 + 4.6 * Math.exp(-step / 80),
    completions: 200,
    validTraces: 0.94,
    strictReward: accuracy - 0.2,
    headAccuracy: accuracy + 0.02,
    tailAccuracy: accuracy - 0.19,
  };
}

function eventsUntil(last: number): TrainingEvent[] {
  const events: TrainingEvent[] = [];
  for (let step = 5; step <= last; step += 5) {
    events.push(logOf(step));
    if (step % 100 === 0) events.push(evaluationOf(step));
    if (step % 50 === 0) events.push({ kind: 'checkpoint', step, id: `at-${step}`, sizeBytes: 1_640_000 });
  }
  return events;
}

function scriptOf(scene: RunScene, experiment: unknown): TrainingEvent[] {
  const begin = [BACKEND, prepared(experiment)];
  switch (scene) {
    case 'preparing':
      return [BACKEND, { kind: 'preparing', stage: 'examples' }];
    case 'running':
    case 'no-backend':
    case 'too-large':
      return [...begin, ...eventsUntil(340)];
    case 'recovering':
      return [...begin, ...eventsUntil(340), { kind: 'recovering', step: 300, reason: 'The driver was reset.' }];
    case 'unsaved':
      return [
        ...begin,
        ...eventsUntil(345),
        {
          kind: 'unsaved',
          step: 345,
          code: 'out-of-memory',
          message:
            'The browser could not save a checkpoint: its storage for this page is full. Delete or export checkpoints, ' +
            'or free disk space, and try again. What was saved before is still there.',
        },
      ];
    case 'finished':
      return [
        ...begin,
        ...eventsUntil(STEPS),
        { kind: 'finished', step: STEPS, tokens: 2_560_000, weightsHash: '9c1e6a40f2d3b587', checkpointId: 'at-500' },
      ];
    case 'failed':
      return [
        ...begin,
        ...eventsUntil(340),
        {
          kind: 'failed',
          code: 'not-finite',
          message:
            'Step 341 gave a loss or gradient that is not finite. Expected a finite loss and gradient. Got loss NaN, ' +
            'gradient norm NaN. Lower the learning rate or lengthen the warm-up, and resume from the last checkpoint.',
          checkpointId: 'at-300',
        },
      ];
    default:
      return scene satisfies never;
  }
}

/** A training worker that plays one scene for every run. */
export function openScriptedTraining(scene: RunScene): TrainingClient {
  let step = 340;
  let emit: (event: TrainingEvent) => void = () => undefined;
  let end: () => void = () => undefined;

  function obey({ kind }: TrainingCommand): void {
    switch (kind) {
      case 'pause':
        emit({ kind: 'paused', step });
        break;
      case 'resume':
        emit({ kind: 'resumed', step });
        break;
      case 'step':
        step += 1;
        emit(logOf(step));
        emit({ kind: 'paused', step });
        break;
      case 'stop':
        emit({ kind: 'stopped', step, checkpointId: `at-${step}` });
        end();
        break;
      case 'evaluate':
        emit(evaluationOf(step));
        break;
      case 'save':
        emit({ kind: 'checkpoint', step, id: `at-${step}`, sizeBytes: 1_640_000 });
        break;
      case 'visibility':
        break;
      default:
        kind satisfies never;
    }
  }

  return {
    readRules: () => Promise.reject(new LabError('bad-file', { message: 'No rules are read on a stage.' })),
    readColumns: () => Promise.resolve({ names: [], roles: [] }),
    readData: () => Promise.reject(new LabError('bad-file', { message: 'No file is read on a stage.' })),
    plan: () => {
      if (scene === 'no-backend') {
        const message =
          'No backend works: The webgpu backend is not used: it computes a known case wrong: loss should be 3.4131 and is ' +
          '0.0000. Update the browser or its graphics driver, or choose another backend.';
        return Promise.reject(new LabError('no-backend', { message }));
      }
      if (scene !== 'too-large') return Promise.resolve(PLAN);
      const tooLarge = '60,123,904 parameters and 512 sequences need about 41,310 MiB, of 4,096 MiB at most.';
      return Promise.resolve({ ...PLAN, tooLarge, problems: ['The webgpu backend does not start: no adapter.'] });
    },
    async run({ from }, onEvent) {
      emit = onEvent;
      const experiment = from.kind === 'experiment' ? from.experiment : {};
      const events = scriptOf(scene, experiment);
      for (const event of events) emit(event);
      const last = events.at(-1)?.kind;
      if (last === 'finished' || last === 'failed') return;
      await new Promise<void>((resolve) => {
        end = resolve;
      });
    },
    command: async (command) => {
      obey(command);
      await Promise.resolve();
    },
    close: () => undefined,
  };
}
