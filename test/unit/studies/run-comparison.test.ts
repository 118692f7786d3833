/** Runs beside each other, by numbers that can be checked by hand. */
import { describe, expect, it } from 'vitest';
import {
  compareRuns,
  type ComparedRun,
  comparisonReport,
  differencesFrom,
  lastValue,
  longRows,
} from '../../../src/studies/run-comparison.ts';
import { reportMarkdown } from '../../../src/studies/report.ts';

function run(lambda: number, seed: number, accuracy: number | null): ComparedRun {
  return {
    path: `runs/${lambda}-${seed}`,
    kind: 'grpo',
    name: 'a run',
    seed,
    step: 2,
    steps: 2,
    settings: { 'grpo.balance.lambda': lambda, 'grpo.prompts': 16 },
    curve: [
      { step: 0, measures: { accuracy: 0.5, reward: 0.1 } },
      { step: 2, measures: { accuracy, reward: null } },
    ],
  };
}
const SEEDS = [1, 2, 3, 4, 5];
const runs = SEEDS.flatMap((seed) => [run(0, seed, 0.6), run(0.3, seed, 0.6 + 0.01 * seed)]);

describe('compareRuns', () => {
  it('groups runs that differ in their seed alone, whatever their order', () => {
    const { differing, groups, metrics } = compareRuns(runs);
    expect(differing).toEqual(['grpo.balance.lambda']);
    expect(groups.map(({ name, runs: members }) => [name, members.map(({ seed }) => seed)])).toEqual([
      ['lambda 0', SEEDS],
      ['lambda 0.3', SEEDS],
    ]);
    expect(metrics).toEqual(['reward', 'accuracy']);
    const turned = compareRuns(runs.toReversed()).groups;
    expect(turned.map(({ name }) => name)).toEqual(['lambda 0.3', 'lambda 0']);
  });

  it('takes differences seed by seed, and says what they decide', () => {
    const markdown = reportMarkdown(comparisonReport(compareRuns(runs)));
    // Differences .01 to .05: mean .03, standard error .01 / sqrt(2), t(.975, 4) = 2.776.
    expect(markdown).toContain('| lambda 0.3 | accuracy | +0.030 | +0.010 to +0.050 | 5 | higher |');
    expect(markdown).toContain('| lambda 0.3 | reward | +0.000 |');
    const few = reportMarkdown(comparisonReport(compareRuns(runs.slice(0, 4))));
    expect(few).toContain('| 2 | preliminary |');
  });

  it('takes the last value that was measured, and writes every one', () => {
    expect(lastValue(run(0, 1, null), 'accuracy')).toBe(0.5);
    expect(lastValue(run(0, 1, null), 'tailRecall')).toBeNull();
    const rows = [...longRows(compareRuns([run(0, 1, null), run(1, 1, 0.7)]))];
    expect(rows).toEqual([
      ['runs/0-1', 'grpo', 'lambda 0', 1, 0, 'accuracy', 0.5, '', ''],
      ['runs/0-1', 'grpo', 'lambda 0', 1, 0, 'reward', 0.1, '', ''],
      ['runs/1-1', 'grpo', 'lambda 1', 1, 0, 'accuracy', 0.5, '', ''],
      ['runs/1-1', 'grpo', 'lambda 1', 1, 0, 'reward', 0.1, '', ''],
      ['runs/1-1', 'grpo', 'lambda 1', 1, 2, 'accuracy', 0.7, '', ''],
    ]);
  });

  it('draws over tokens and time at the mean of where the runs of a group were', () => {
    const timed = (seed: number, slow: number): ComparedRun => {
      const { curve, ...rest } = run(0, seed, 0.6);
      return {
        ...rest,
        curve: curve.map((point, i) => ({ ...point, tokens: i * 100 * seed, activeMs: i * 1000 * slow })),
      };
    };
    const comparison = compareRuns([timed(1, 1), timed(3, 2), run(0.3, 1, 0.7)]);
    expect(comparison.axes).toEqual(['step', 'tokens', 'time']);
    const placesOver = (axis: 'step' | 'tokens' | 'time'): unknown =>
      comparisonReport(comparison, ['accuracy'], axis).blocks.flatMap((block) =>
        block.kind === 'plot' && block.plot.kind === 'curves'
          ? block.plot.panels[0]?.lines.map((line) => line.map(({ at }) => at))
          : [],
      );
    expect(placesOver('step')).toEqual([
      [0, 2],
      [0, 2],
    ]);
    expect(placesOver('tokens')).toEqual([[0, 200], []]);
    expect(placesOver('time')).toEqual([[0, 1500], []]);
    expect(compareRuns(runs).axes).toEqual(['step']);
  });

  it('counts a run once, however often it is there', () => {
    const copies = runs.map((one) => ({ ...one, path: `copy-of-${one.path}` }));
    const { groups, repeated } = compareRuns([...runs, ...copies]);
    expect(groups).toEqual(compareRuns(runs).groups);
    expect(repeated).toEqual(copies.map(({ path }) => path));
  });

  it('names what one run has otherwise than another', () => {
    expect(differencesFrom(run(0, 1, 1), run(0.3, 2, 1))).toEqual(['lambda 0.3']);
    const { settings, ...rest } = run(0, 1, 1);
    expect(differencesFrom({ ...rest, settings: { ...settings, extra: true } }, run(0, 1, 1))).toEqual([
      'extra not set',
    ]);
  });

  it('says which runs are not finished', () => {
    const report = comparisonReport(compareRuns([run(0, 1, 1), { ...run(1, 1, 1), step: 1 }]));
    expect(reportMarkdown(report)).toMatch(/Not to the last step\n\n- runs\/1-1: step 1 of 2/u);
  });
});
