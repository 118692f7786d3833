/** Addresses: what they show, and which model answers. */
import { describe, expect, it } from 'vitest';
import { bundledModel, DEFAULT_MODEL } from '../../../../src/ui/score/bundled-models.ts';
import { checkpointIn, modelIn, routeOf, scoreAddress } from '../../../../src/ui/parts/routes.ts';

describe('routes', () => {
  it('an unknown address is the first view', () => {
    const hashes = ['#/score', '#score', '', '#/nowhere', '#/train', '#/train?x=1', '#/score?checkpoint=a'];
    expect(hashes.map(routeOf)).toEqual(['score', 'score', 'score', 'score', 'train', 'train', 'score']);
  });

  it('a checkpoint is named in the address of the scoring view alone', () => {
    expect(checkpointIn(scoreAddress('3fa9-b_c'))).toBe('3fa9-b_c');
    expect(checkpointIn(scoreAddress('a&b=?#'))).toBe('a&b=?#');
    expect(checkpointIn(scoreAddress())).toBeUndefined();
    expect(checkpointIn('#/score?checkpoint=')).toBeUndefined();
    expect(checkpointIn('#/train?checkpoint=a')).toBeUndefined();
  });

  it('a bundled model is named too, unless a checkpoint is', () => {
    expect(scoreAddress(undefined, ['start'], 'general')).toBe('#/score?model=general&with=start');
    expect(modelIn('#/score?model=general&with=start')).toBe('general');
    expect(modelIn(scoreAddress('a', [], 'general'))).toBeUndefined();
    expect(modelIn('#/score?model=')).toBeUndefined();
    expect(bundledModel('general').folder).toBe('models/general/');
    expect([bundledModel(undefined), bundledModel('gone')]).toEqual([DEFAULT_MODEL, DEFAULT_MODEL]);
  });
});
