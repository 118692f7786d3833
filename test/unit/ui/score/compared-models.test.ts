import { describe, expect, it } from 'vitest';
import type { LabelEvent } from '../../../../src/protocol/scoring.ts';
import { BUNDLED_MODELS } from '../../../../src/ui/score/bundled-models.ts';
import { comparableModels, describeAgreement, originOf } from '../../../../src/ui/score/compared-models.ts';
import { checkpointIn, comparedIn, scoreAddress } from '../../../../src/ui/parts/routes.ts';

const NAMES = ['bad', 'fair', 'good'];
const openStore = () => Promise.reject(new Error('not used'));

function answer(label: number, score: number): LabelEvent {
  return {
    kind: 'label',
    label,
    probabilities: [0.2, 0.3, 0.5],
    score,
    labelMass: 1,
    prefillMs: 3,
    promptTokens: 9,
    cutFields: [],
  };
}

describe('the comparison of two answers', () => {
  it('states the label, and the difference of the scores', () => {
    expect(describeAgreement(answer(2, 1.5), answer(2, 1.5), NAMES, NAMES)).toBe(
      'The same label. The scores are the same.',
    );
    expect(describeAgreement(answer(2, 1.8), answer(2, 1.55), NAMES, NAMES)).toBe(
      'The same label. Its score is 0.25 higher.',
    );
    expect(describeAgreement(answer(0, 0.1), answer(2, 1.6), NAMES, NAMES)).toBe(
      'Another label: bad instead of good. Its score is 1.50 lower.',
    );
  });

  it('is not made on scales of different length', () => {
    expect(describeAgreement(answer(1, 0.9), answer(2, 1.6), ['no', 'yes'], NAMES)).toBe(
      'Another scale: 2 labels instead of 3. The answers cannot be compared.',
    );
  });
});

describe('models to compare with', () => {
  it('are loaded from a folder beside the page, or from the store', () => {
    for (const { id, folder } of BUNDLED_MODELS) {
      expect(originOf(id, 'http://host/lab/', openStore)).toEqual({ kind: 'folder', url: `http://host/lab/${folder}` });
    }
    expect(originOf('checkpoint:a:b', 'http://host/', openStore)).toMatchObject({ kind: 'checkpoint', id: 'a:b' });
    expect(originOf('https://elsewhere/', 'http://host/', openStore)).toBeUndefined();
    expect(comparableModels([]).map(({ key }) => key)).toEqual(BUNDLED_MODELS.map(({ id }) => id));
  });

  it('are in the address, each once, with the checkpoint that answers', () => {
    const address = scoreAddress('a&b', ['start', 'checkpoint:x']);
    expect(checkpointIn(address)).toBe('a&b');
    expect(comparedIn(address)).toEqual(['start', 'checkpoint:x']);
    expect(comparedIn('#/score?with=start,,start')).toEqual(['start']);
    expect(comparedIn('#/train?with=start')).toEqual([]);
    expect(scoreAddress(undefined, [])).toBe('#/score');
  });
});
