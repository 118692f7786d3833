/** Addresses: the view they show, and the model that answers. */
import { describe, expect, it } from 'vitest';
import { bundledModel, DEFAULT_MODEL } from '../../../../src/ui/score/bundled-models.ts';
import { checkpointIn, fileAddress, fileIn, modelIn, routeOf, scoreAddress } from '../../../../src/ui/parts/routes.ts';

describe('routes', () => {
  it('an unknown address is the first view', () => {
    const hashes = ['#/score', '#score', '', '#/nowhere', '#/train', '#/train?x=1', '#/score?checkpoint=a'];
    expect(hashes.map(routeOf)).toEqual(['score', 'score', 'score', 'score', 'train', 'train', 'score']);
  });

  it('a checkpoint is named only in the address of the Score view', () => {
    expect(checkpointIn(scoreAddress('3fa9-b_c'))).toBe('3fa9-b_c');
    expect(checkpointIn(scoreAddress('a&b=?#'))).toBe('a&b=?#');
    expect(checkpointIn(scoreAddress())).toBeUndefined();
    expect(checkpointIn('#/score?checkpoint=')).toBeUndefined();
    expect(checkpointIn('#/train?checkpoint=a')).toBeUndefined();
  });

  it('a kept file is named in the address of the Files view alone', () => {
    expect(routeOf(fileAddress('a&b'))).toBe('files');
    expect([fileIn(fileAddress('a&b')), fileIn(fileAddress()), fileIn('#/files?file=')]).toEqual([
      'a&b',
      undefined,
      undefined,
    ]);
    expect(fileIn('#/score?file=a')).toBeUndefined();
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
