/** Former names of keys in stored JSON: renamed where the lab wrote them, never where the user did. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renameOldKeys } from '../../../src/protocol/renamed-keys.ts';

const FORMER = ['dial', 'dialMoves', 'tales'] as const;

describe('renameOldKeys', () => {
  it('renames keys in records, in lists and in the events of a history', () => {
    expect(
      renameOldKeys([{ dial: 0.3, tales: [{ kind: 'step', balance: { rl: 1, dial: 0.3 } }], dialMoves: [] }]),
    ).toEqual([
      {
        coefficient: 0.3,
        history: [{ kind: 'step', balance: { rl: 1, coefficient: 0.3 } }],
        coefficientMoves: [],
      },
    ]);
  });

  it('changes nothing inside settings, pairs and the files of a model', () => {
    const own = fc.dictionary(fc.constantFrom(...FORMER, 'balance', 'history'), fc.jsonValue());
    fc.assert(
      fc.property(fc.constantFrom('experiment', 'pair', 'groups', 'start', 'config'), own, (key, value) => {
        expect(renameOldKeys({ [key]: value })).toEqual({ [key]: value });
      }),
    );
  });

  it('is the identity on JSON without former names, and on its own result', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...FORMER), (value, key) => {
        const once = renameOldKeys({ [key]: value, value });
        expect(renameOldKeys(once)).toEqual(once);
        expect(renameOldKeys({ value })).toEqual({ value });
      }),
    );
  });
});
