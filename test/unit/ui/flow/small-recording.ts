/** A recording small enough to count by hand: four rules, six pairs, three measurements. */
import {
  parseRecording,
  type Recording,
  type RecordedFrame,
  writeRecording,
} from '../../../../src/protocol/recording.ts';

const MEASURES: RecordedFrame['measures'] = {
  probe: {
    reward: 0.4,
    labelEntropyNats: 0.5,
    reasoningEntropyNats: 0.9,
    distinctRules: 4,
    zeroVarianceShare: 0.2,
    invalidShare: 0,
    meanLength: 12,
  },
  heldOut: {
    pairs: 6,
    accuracy: 1,
    macroF1: 1,
    pairAccuracy: 1,
    headRecall: 1,
    tailRecall: 1,
    distinctRules: 4,
    validTraces: 1,
    strictReward: 0.6,
    verifiedSteps: 0.3,
    labelTraceAgreement: 1,
    labelEntropyNats: 0.4,
    expertLossNats: 0.9,
  },
};

export function frame(step: number, rules: number[], labels: number[], sure: number[], reward = 0.4): RecordedFrame {
  const completions = [4, 5].map((pair) => ({ pair, tokens: ['<|label:2:0|>', '<|rule:2|>', ' used'] }));
  return {
    step,
    coefficient: 0,
    measures: { ...MEASURES, probe: { ...MEASURES.probe, reward } },
    collapse: { isCollapsed: step > 10, rewardGain: 0.1, tailRecallLoss: 0.3, distinctRulesLoss: 0.5 },
    answers: { rules, labels, sure, completions },
  };
}

/**
 * brand-other merges into type-other, worn vanishes into type-same, and no answer of a pair cites one that is not
 * there.
 */
export const SMALL_FRAMES: readonly RecordedFrame[] = [
  frame(0, [0, 0, 1, 1, 2, 3], [0, 0, 0, 0, 0, 1], [600, 610, 620, 630, 550, 640]),
  frame(10, [0, 0, 0, 1, 2, 3], [0, 0, 0, 0, 1, 1], [700, 710, 720, 730, 800, 740]),
  frame(20, [0, 0, 0, 0, 3, 3], [0, 0, 0, 0, 1, 1], [800, 810, 820, 830, 990, 840], 0.7),
];

export function smallRecording(frames: readonly RecordedFrame[] = SMALL_FRAMES): Recording {
  const text = writeRecording(
    {
      name: 'small',
      experiment: { name: 'small', learningRate: 1e-8 },
      seed: 9,
      model: { name: 'a start', hash: '0123456789abcdef', parameters: 42 },
      dataHash: 'feed',
      device: 'wasm, a processor',
      commit: 'abc1234',
      date: '2026-11-30',
      labelNames: ['no', 'yes'],
      rules: [
        { id: 'type-other', text: 'Another type.', criterion: 'type', cap: 0, isTail: false },
        { id: 'brand-other', text: 'Another brand.', criterion: 'brand', cap: 0, isTail: false },
        { id: 'worn', text: 'Used.', criterion: 'overall', cap: 0, isTail: true },
        { id: 'type-same', text: 'The type.', criterion: 'type', cap: 1, isTail: false },
      ],
      pairs: [0, 0, 1, 1, 2, 3].map((rule, i) => {
        return { query: `query ${i}`, title: `title ${i}`, details: '', label: rule === 3 ? 1 : 0, rule };
      }),
    },
    frames,
    [],
  );
  return parseRecording('small.json', text);
}
