/**
 * A reinforcement thread that plays a script, to show the collapse view in every state: an onset of collapse, a branch
 * that breaks, a missing start model.
 */
import { LabError } from '../../src/common/errors.ts';
import { Rng } from '../../src/common/rng.ts';
import {
  type CompletionSample,
  type GrpoCommand,
  type GrpoEvent,
  type MeasuredPoint,
  type RuleInfo,
  type SampledGroup,
} from '../../src/protocol/grpo.ts';
import type { PolicyAnswers, RecordedPair } from '../../src/protocol/policy-answers.ts';
import type { GrpoClient } from '../../src/ui/parts/sessions/grpo-client.ts';

/** The states of a demonstration after its start. */
export const GRPO_SCENES = ['learning', 'fetching', 'collapsed', 'broken', 'ended', 'missing'] as const;
export type GrpoScene = (typeof GRPO_SCENES)[number];

const STEPS = 100;
const EVERY = 10;
const BOUNDS = { rewardGain: 0.05, tailRecallLoss: 0.2, distinctRulesLoss: 0.3 };
const RULES: readonly RuleInfo[] = Array.from({ length: 32 }, (_, i) => ({
  id: i % 3 === 0 ? `brand-other-${i}` : `quantity-near-with-a-longer-name-${i}`,
  text: 'The document names another brand than the query.',
  criterion: 'brand',
  cap: i % 4,
  isTail: i >= 14,
}));

/** Whether a branch of the script loses rare rules. */
function forgets(name: string): boolean {
  return name.startsWith('GRPO (head-heavy');
}

const PAIRS: readonly RecordedPair[] = Array.from({ length: 60 }, (_, i) => {
  const rule = i % RULES.length;
  return { query: `query ${i}`, title: `title ${i}`, details: 'condition used', label: rule % 4, rule };
});

/** How much of what can be lost is lost, from 0 to 1. */
function lossOf(name: string, step: number): number {
  const progress = step / STEPS;
  return forgets(name) ? Math.min(1, progress * 1.6) : progress * 0.1;
}

function distinctOf(name: string, step: number): number {
  return Math.round(27 - 12 * lossOf(name, step));
}

/** A branch that forgets cites the first rule in place of ever more rare ones, and labels their pairs wrong. */
function answersOf(name: string, step: number): PolicyAnswers {
  const kept = distinctOf(name, step);
  const rules = PAIRS.map(({ rule }) => (rule < kept ? rule : 0));
  return {
    rules,
    labels: PAIRS.map(({ rule, label }) => (rule < kept ? label : 0)),
    sure: PAIRS.map(() => 600 + step),
    completions: [],
  };
}

function pointOf(name: string, step: number): MeasuredPoint {
  const progress = step / STEPS;
  const loss = lossOf(name, step);
  const tailRecall = 0.64 - 0.42 * loss;
  const distinct = distinctOf(name, step);
  const reward = 0.4 + 0.12 * progress + 0.01 * Math.sin(step);
  const tailRecallLoss = 0.64 - tailRecall;
  const distinctRulesLoss = 1 - distinct / 27;
  return {
    step,
    measures: {
      probe: {
        reward,
        labelEntropyNats: 0.5 - 0.25 * progress,
        reasoningEntropyNats: 1.1 - 0.6 * progress,
        distinctRules: distinct,
        zeroVarianceShare: 0.4 + 0.3 * progress,
        invalidShare: 0.08,
        meanLength: 12,
      },
      heldOut: {
        pairs: 240,
        accuracy: 0.86,
        macroF1: 0.85,
        pairAccuracy: 0.95,
        headRecall: 0.9 - 0.05 * progress,
        tailRecall,
        distinctRules: distinct,
        validTraces: 0.99,
        strictReward: 0.55,
        verifiedSteps: 0.3,
        labelTraceAgreement: 1,
        labelEntropyNats: 0.4,
        expertLossNats: 0.45 + 0.3 * loss,
      },
    },
    collapse: {
      isCollapsed: reward - 0.4 >= 0.05 && tailRecallLoss >= 0.2 && distinctRulesLoss >= 0.3,
      rewardGain: reward - 0.4,
      tailRecallLoss,
      distinctRulesLoss,
    },
  };
}

function stepOf(branch: number, name: string, step: number, coefficient: number): GrpoEvent {
  const rng = new Rng(`${name} ${step}`);
  const cited = RULES.map(({ isTail }, rule) => {
    const often = isTail ? 3 * (forgets(name) ? Math.max(0, 1 - (1.6 * step) / STEPS) : 1) : 24 / (1 + rule / 3);
    return Math.floor(often * (0.5 + rng.next()));
  });
  return {
    kind: 'step',
    branch,
    step,
    stage: forgets(name) ? null : step <= 10 ? 1 : 2,
    reward: 0.4 + (0.12 * step) / STEPS,
    labelEntropyNats: 0.4,
    reasoningEntropyNats: 0.9,
    klNats: null,
    zeroVarianceShare: 0.47,
    rollouts: 128,
    rules: {
      cited,
      gold: RULES.map(({ isTail }) => Math.floor((isTail ? 0.3 : 3) * rng.next())),
      meanAdvantage: cited.map((count) => (count === 0 ? null : rng.next() - 0.4)),
    },
    balance: { rl: 1, expert: coefficient, coefficient },
    loss: { policy: 0.01, expert: coefficient === 0 ? null : 0.44 },
    gradNorms: Object.fromEntries(
      ['self_attn.q_proj', 'mlp.up_proj'].map((module, i) => [
        `model.layers.0.${module}.weight`,
        (0.2 + 0.1 * i) * (0.7 + 0.6 * rng.next()) * (1 + lossOf(name, step)),
      ]),
    ),
    activations: { 'model.layers.0': 1.4 + lossOf(name, step), 'model.layers.0.mlp': 0.6 + 0.3 * lossOf(name, step) },
    tokens: { generated: 1600 * step, learned: 5800 * step, expert: coefficient === 0 ? 0 : 1500 * step },
    times: { rolloutMs: 214, scoreMs: 96, updateMs: 512 },
    tokensPerSec: 6402,
  };
}

const COMPLETION: CompletionSample = {
  tokens: [
    '<|label:4:1|>',
    '<|rule:27|>',
    '<|criterion:brand|>',
    '<|evidence:query|>',
    ' zorzeb',
    '<|evidence:document|>',
    ' vizodivita',
    '<|verdict:mismatch|>',
    '<|label:4:1|>',
    '<|eos|>',
  ],
  advantages: [1.2, -0.8, -0.8, -0.8, -0.8, -0.8, -0.8, -0.8, 0.3, 0.3],
  ratios: [1.09, 0.94, 0.99, 1, 0.98, 1, 0.97, 0.99, 1.01, 1],
  reward: {
    kind: 'strict',
    total: 0.5,
    rejected: null,
    label: { value: 1, earned: 0.5 },
    reasoning: { value: 0, earned: 0 },
    steps: [{ rule: 27, value: 0, earned: 0, cost: 0.1, reason: 'not in gold' }],
    missed: [{ rule: 3, cost: 0.33 }],
  },
};
const REJECTED: CompletionSample = {
  tokens: ['<|label:4:0|>', '<|rule:4|>', '<|eos|>'],
  advantages: [-1, -1, -1],
  ratios: [0.9, 0.8, 0.95],
  reward: {
    kind: 'strict',
    total: 0,
    rejected: 'does not parse at segment 3: expected a criterion, got the end',
    label: { value: 0, earned: 0 },
    reasoning: { value: 0, earned: 0 },
    steps: [],
    missed: [],
  },
};
const GROUP: SampledGroup = {
  pair: {
    query: 'zorzeb sweater',
    document: {
      docId: 'd1',
      title: 'vizodivita sweater cotton',
      brand: 'vizodivita',
      type: 'sweater',
      attributes: { category: 'clothing', material: 'cotton' },
      text: '',
    },
  },
  isTail: true,
  promptTokens: ['<|scale:4|>', '<|query|>', ' zorzeb', ' sweater', '<|title|>', ' vizodivita', '<|hint:title:2|>', '<|answer|>'], // prettier-ignore
  goldTokens: COMPLETION.tokens,
  completions: [COMPLETION, REJECTED, COMPLETION],
};

/** A GRPO worker that plays one scene for every demonstration. */
export function openScriptedGrpo(scene: GrpoScene): GrpoClient {
  let emit: (event: GrpoEvent) => void = () => undefined;
  let end: () => void = () => undefined;
  let names: string[] = [];
  let step = 0;
  let coefficients: number[] = [];

  function play(until: number): void {
    for (; step < until; step++) {
      for (const [branch, name] of names.entries()) {
        if (scene === 'broken' && branch === 0 && step >= 25) continue;
        emit(stepOf(branch, name, step + 1, coefficients[branch] ?? 0));
        if ((step + 1) % EVERY !== 0) continue;
        emit({ kind: 'kept', branch, step: step + 1, groups: [GROUP] });
        emit({
          kind: 'measure',
          branch,
          point: pointOf(name, step + 1),
          answers: answersOf(name, step + 1),
          elapsedMs: 1900,
        });
        if (step + 1 < STEPS) emit({ kind: 'checkpoint', branch, step: step + 1 });
      }
    }
  }

  function begin(): void {
    emit({ kind: 'backend', backend: 'wasm', device: 'CPU through WebAssembly', reason: 'WebGPU finds no GPU', problems: [] }); // prettier-ignore
    emit({ kind: 'preparing', stage: 'model' });
    if (scene === 'fetching') return;
    if (scene === 'missing') {
      const message =
        'The model file config.json is not there. Expected a file at /models/x/config.json. Got status 404.';
      emit({ kind: 'failed', code: 'not-found', message });
      end();
      return;
    }
    const labelNames = ['irrelevant', 'partial', 'substantial', 'exact'];
    emit({ kind: 'prepared', modelName: 'lab-nano-start', parameters: 141_056, worldHash: '6315f8f7', rules: [...RULES], labelNames, pairs: [...PAIRS], startHash: '0123456789abcdef', bounds: BOUNDS }); // prettier-ignore
    for (const [branch, name] of names.entries()) {
      emit({
        kind: 'branch',
        branch,
        name,
        parent: null,
        experiment: { grpo: { seed: 4 } },
        step: 0,
        steps: STEPS,
        curve: [],
      });
      emit({ kind: 'measure', branch, point: pointOf(name, 0), answers: answersOf(name, 0), elapsedMs: 2400 });
      emit({ kind: 'checkpoint', branch, step: 0 });
    }
    const until = { learning: 22, collapsed: 74, broken: 41, ended: STEPS }[scene];
    play(until);
    if (scene === 'broken') {
      const message = 'Step 26 gave a loss or gradient that is not finite. Expected a finite number. Got NaN.';
      emit({ kind: 'branch-ended', branch: 0, step: 25, weightsHash: null, failure: { code: 'not-finite', message } });
    }
    if (scene !== 'ended') return;
    for (const branch of names.keys()) {
      emit({ kind: 'branch-ended', branch, step: STEPS, weightsHash: '9c1e6a40f2d3b587', failure: null });
    }
    emit({ kind: 'finished' });
  }

  function obey(command: GrpoCommand): void {
    switch (command.kind) {
      case 'pause':
        emit({ kind: 'paused', step });
        break;
      case 'resume':
        emit({ kind: 'resumed', step });
        break;
      case 'step':
        play(step + 1);
        emit({ kind: 'paused', step });
        break;
      case 'visibility':
        break;
      case 'stop':
        emit({ kind: 'stopped' });
        end();
        break;
      case 'coefficient':
        coefficients[command.branch] = command.value;
        break;
      case 'fork': {
        if (command.coefficient !== null && command.coefficient > 2) {
          emit({ kind: 'refused', code: 'bad-config', message: 'The balance cannot be set so high.' });
          break;
        }
        const branch = names.push(command.name) - 1;
        coefficients.push(command.coefficient ?? 0.3);
        const parent = { branch: command.branch, step: command.step };
        const curve = [0, command.step].map((at) => pointOf(names[command.branch] ?? '', at));
        emit({ kind: 'branch', branch, name: command.name, parent, experiment: {}, step: command.step, steps: STEPS, curve }); // prettier-ignore
        break;
      }
      default:
        command satisfies never;
    }
  }

  return {
    readColumns: () => Promise.resolve({ names: [], roles: [] }),
    readData: () => Promise.reject(new LabError('bad-file', { message: 'No file is read on a stage.' })),
    readRules: () => Promise.reject(new LabError('bad-file', { message: 'No rules are read on a stage.' })),
    async run({ branches }, onEvent) {
      emit = onEvent;
      names = branches.map(({ name }) => name);
      coefficients = names.map((name) => (name.startsWith('MBO') ? 0.3 : 0));
      step = 0;
      await new Promise<void>((resolve) => {
        end = resolve;
        begin();
      });
    },
    command: async (command) => {
      obey(command);
      await Promise.resolve();
    },
    close: () => undefined,
  };
}
