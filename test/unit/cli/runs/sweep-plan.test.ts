/** What a sweep makes of its settings and seeds. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plannedRuns } from '../../../../src/cli/runs/sweep-plan.ts';
import { parseSeeds, parseSweptSetting } from '../../../../src/config/swept-settings.ts';

describe('parseSeeds', () => {
  it.each([
    ['1', [1]],
    ['1-3', [1, 2, 3]],
    ['7, 1-2,0', [7, 1, 2, 0]],
  ])('reads %j', (text, seeds) => expect(parseSeeds(text)).toEqual(seeds));

  it.each(['', '3-1', '1,1', '1-2,2', 'a', '1.5', '-1', '1-', '1-99999999', '1,,2'])('refuses %j', (text) => {
    expect(() => parseSeeds(text)).toThrow(/seeds cannot be read/u);
  });
});

describe('parseSweptSetting', () => {
  it.each([
    ['grpo.balance.lambda=0,0.3,1', ['0', '0.3', '1']],
    ['a=[0.4,0.8],[0.5,0.9]', ['[0.4,0.8]', '[0.5,0.9]']],
    ['a={"kind":"hpt"},{"kind":"srft","lambda":1}', ['{"kind":"hpt"}', '{"kind":"srft","lambda":1}']],
    ['a="x,y",z', ['"x,y"', 'z']],
    ['a=b=c', ['b=c']],
  ])('reads %j', (text, values) => expect(parseSweptSetting(text).values).toEqual(values));

  it.each(['', 'a', '=1', 'a=', 'a=1,', 'a=1,1'])('refuses %j', (text) => {
    expect(() => parseSweptSetting(text)).toThrow(/cannot be read/u);
  });
});

describe('plannedRuns', () => {
  const value = fc.stringMatching(/^[^,[\]{}"\s]{1,50}$/u);
  const values = fc.uniqueArray(value, { minLength: 1, maxLength: 4 });

  it('has each combination with each seed once, in a folder of its own', () => {
    fc.assert(
      fc.property(values, values, fc.uniqueArray(fc.nat(99), { minLength: 1, maxLength: 4 }), (a, b, seeds) => {
        const set = [
          { path: 'grpo.x', values: a },
          { path: 'grpo.y', values: b },
        ];
        const runs = plannedRuns({ kind: 'grpo', set, seeds, others: ['--steps', '3'] }, 'root');
        expect(runs).toHaveLength(a.length * b.length * seeds.length);
        expect(new Set(runs.map(({ out }) => out)).size).toBe(runs.length);
        for (const { out, args } of runs) {
          expect(out).toMatch(/^root\/[\w.+-]+$/u);
          expect(args.slice(0, 3)).toEqual(['grpo', '--out', out]);
          expect(args.filter((arg) => arg === '--set')).toHaveLength(2);
        }
      }),
    );
  });

  it('refuses more than anybody meant', () => {
    const seeds = Array.from({ length: 500 }, (_, i) => i);
    const set = [{ path: 'a', values: ['1', '2', '3'] }];
    expect(() => plannedRuns({ kind: 'sft', set, seeds, others: [] }, 'root')).toThrow(/at most 1000. Got 1500/u);
  });
});
