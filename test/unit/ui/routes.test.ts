/** Addresses: what they show, and which model answers. */
import { describe, expect, it } from 'vitest';
import { checkpointIn, routeOf, scoreAddress } from '../../../src/ui/routes.ts';

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
});
