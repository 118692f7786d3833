/**
 * A scoring client that plays a script instead of running a model, to show the page in states that a real model rarely
 * reaches: a wrong step, a label that contradicts its reasoning, a broken trace, a failure, a slow load.
 */
import { LabError } from '../../src/common/errors.ts';
import type { ModelSummary, ScoringEvent, StepEvent } from '../../src/protocol/scoring.ts';
import { makeDocument, type Pair } from '../../src/relevance/pair/pair.ts';
import type { Inside } from '../../src/protocol/inside.ts';
import type { ScoringClient } from '../../src/ui/score/scoring-client.ts';

/** The states of the page. */
export const SCENES = ['verified', 'mixed', 'disagree', 'broken', 'failed', 'slow', 'loading', 'missing'] as const;
export type Scene = (typeof SCENES)[number];

const KETTLE: Pair = {
  query: 'zorvex steel kettle 1.5 l',
  document: makeDocument({
    title: 'Zorvex kettle matte black',
    brand: 'Zorvex',
    type: 'kettle',
    attributes: { category: 'kitchen', material: 'steel', capacity: '1700 ml' },
  }),
};
const LID: Pair = {
  query: 'pot without lid',
  document: makeDocument({ title: 'Glass lid 24 cm', brand: 'Mirelle', type: 'lid', attributes: { for: 'pot' } }),
};

const SUMMARY: ModelSummary = {
  name: 'scripted',
  backend: 'wasm',
  backendReason: 'CPU through WebAssembly: WebGPU finds no GPU',
  parameters: 131_840,
  scale: {
    names: ['irrelevant', 'partial', 'substantial', 'exact'],
    rubric: [
      'does not serve the need behind the query',
      'touches the need, but few would accept it',
      'serves the need with a shortcoming most would accept',
      'is what the query asks for',
    ],
  },
  givesReasons: true,
  card: [
    { name: 'Data', value: 'rule world, 96,000 training pairs', code: false },
    { name: 'World hash', value: '3fa90c11', code: true },
    { name: 'Made by', value: 'npm run lab -- train --preset lab-nano --seed 1', code: true },
    { name: 'Accuracy', value: '0.912 (95 %: 0.901 to 0.922)', code: false },
  ],
  examples: [
    { name: 'near size', pair: KETTLE },
    { name: 'accessory', pair: LID },
  ],
};

const STEPS: readonly StepEvent[] = [
  {
    kind: 'step',
    index: 0,
    step: {
      rule: 4,
      criterion: 'quantity',
      evidence: [
        { source: 'query', text: '1.5 l' },
        { source: 'document', text: '1700 ml' },
      ],
      verdict: 'near',
    },
    check: 'verified',
    reason: 'The rule fires on this pair, and the evidence is where it says.',
    ruleText: 'A size within 20 % of the one asked for is a substantial match at best.',
    spans: [
      { field: 'query', start: 20, end: 25 },
      { field: 'attributes', attribute: 'capacity', start: 0, end: 7 },
    ],
  },
  {
    kind: 'step',
    index: 1,
    step: {
      rule: 9,
      criterion: 'attribute',
      evidence: [{ source: 'query', text: 'steel' }],
      verdict: 'absent',
    },
    check: 'wrong',
    reason: 'the rule does not fire: the document says "steel" under material',
    ruleText: 'A material that is asked for and not mentioned caps the label at partial.',
    spans: [{ field: 'query', start: 7, end: 12 }],
  },
  {
    kind: 'step',
    index: 2,
    step: { rule: 22, criterion: 'audience', evidence: [{ source: 'document', text: 'kettle' }], verdict: 'match' },
    check: 'uncheckable',
    reason: 'neither the query nor the document names an audience',
    ruleText: 'What is made for someone else caps the label at irrelevant.',
    spans: [
      { field: 'title', start: 7, end: 13 },
      { field: 'type', start: 0, end: 6 },
    ],
  },
];

function scriptOf(scene: Scene): ScoringEvent[] {
  const label: ScoringEvent = {
    kind: 'label',
    label: 2,
    probabilities: [0.012, 0.178, 0.741, 0.069],
    score: 1.867,
    labelMass: scene === 'broken' ? 0.61 : 0.9993,
    prefillMs: 4.23,
    promptTokens: 37,
    cutFields: scene === 'broken' ? ['text'] : [],
  };
  const steps = STEPS.slice(0, scene === 'verified' ? 1 : 3).flatMap((step): ScoringEvent[] => [
    { kind: 'text', text: `<|rule:${step.step.rule}|><|criterion:${step.step.criterion}|>` },
    step,
  ]);
  if (scene === 'failed') return [label, { kind: 'failed', code: 'not-finite', message: 'Logits of layer 1 are NaN.' }];
  const broken = scene === 'broken';
  return [
    label,
    ...(broken ? [] : steps),
    {
      kind: 'done',
      restated: broken ? null : 2,
      complete: !broken,
      agreement: broken ? 'unknown' : scene === 'disagree' ? 'disagrees' : 'agrees',
      problem: broken ? 'At token 3 a verdict was expected, and a rule came.' : undefined,
      tokens: 14,
      passes: 12,
      decodeMs: 61.2,
    },
  ];
}

/** A model of one layer with one head, which looks at the title. */
const SCRIPTED_INSIDE: Inside = {
  label: 3,
  probabilities: [0.05, 0.05, 0.1, 0.8],
  words: [
    { text: '<|query|>', field: 'query', isSpecial: true, tokens: 1 },
    { text: 'kettle', field: 'query', isSpecial: false, tokens: 2 },
    { text: 'kettle', field: 'title', isSpecial: false, tokens: 2 },
    { text: '<|answer|>', field: null, isSpecial: true, tokens: 1 },
  ],
  attention: [[[0.1, 0.2, 0.6, 0.1]]],
  lens: [
    { probabilities: [0.25, 0.25, 0.25, 0.25], labelMass: 0.01 },
    { probabilities: [0.05, 0.05, 0.1, 0.8], labelMass: 0.99 },
  ],
  tokens: [{ text: '<|label:4:3|>', isSpecial: true, entropyNats: 0.7, probability: 0.8 }],
};

/** A client that plays one scene for every question. */
export function openScriptedClient(scene: Scene): ScoringClient {
  return {
    async load(_request, onProgress) {
      if (scene === 'missing') {
        throw new LabError('not-found', {
          message: 'The model file config.json is not there.',
          expected: 'a file at /models/default/config.json',
          got: 'status 404',
        });
      }
      onProgress({ stage: 'files', receivedBytes: 412_000, totalBytes: 668_000 });
      if (scene === 'loading') await new Promise(() => undefined);
      return SUMMARY;
    },
    async answer(_request, onEvent, signal) {
      for (const event of scriptOf(scene)) {
        if (signal.aborted) return;
        onEvent(event);
        if (scene === 'slow' && event.kind === 'step') await new Promise(() => undefined);
      }
    },
    inside: () => Promise.resolve(SCRIPTED_INSIDE),
    close: () => undefined,
  };
}
