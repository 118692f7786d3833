/** Every lesson by its material: what each asks, what was measured, and that both follow the results file. */
import { formatDifference } from '../../../../src/ui/parts/format.ts';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it, vi } from 'vitest';
import { extractOf } from '../../../../scripts/results-extract-plugin.ts';
import { ExperimentResultsSchema } from '../../../../src/protocol/experiment-results.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { presenterKeys } from '../../../../src/ui/lessons/presenter-keys.ts';
import {
  dotsCsv,
  dotsOf,
  findingOf,
  findingText,
  meanOf,
  quoted,
  valuesOf,
} from '../../../../src/ui/lessons/parts/results.ts';
import { howManyFell, leaderOf, whichIsBest } from '../../../../src/ui/lessons/parts/compared.ts';
import type { DotsRow } from '../../../../src/ui/lessons/parts/lab-seed-dots.ts';
import { citedIn, withoutWords, wordsOf } from '../../../../src/ui/lessons/topics/removed-words.ts';

const file = (id: string): unknown => JSON.parse(readFileSync(`docs/results/${id}.json`, 'utf8'));
const e8 = v.parse(ExperimentResultsSchema, extractOf(file('E8') as { arms: { name: string; seeds: object[] }[] }));

describe('an extract of a results file', () => {
  it('is a results file without curves, with the same metrics and findings', () => {
    const whole = v.parse(ExperimentResultsSchema, file('E8'));
    expect(e8.findings).toEqual(whole.findings);
    expect(e8.arms.map(({ seeds }) => seeds.map(({ metrics }) => metrics))).toEqual(
      whole.arms.map(({ seeds }) => seeds.map(({ metrics }) => metrics)),
    );
    expect(whole.arms.flatMap(({ seeds }) => seeds).some(({ curve }) => curve.length > 0)).toBe(true);
    expect(e8.arms.flatMap(({ seeds }) => seeds).every(({ curve }) => curve.length === 0)).toBe(true);
  });
});

describe('numbers of lessons', () => {
  it('are those of the file', () => {
    const [row] = dotsOf(e8, 'tailRecall', [['SFT', 'the start', 'plain']]);
    expect(row?.values).toEqual(e8.arms[0]?.seeds.map(({ metrics }) => metrics.tailRecall));
    expect(row?.mean).toBeCloseTo(meanOf(valuesOf(e8, 'SFT', 'tailRecall')), 12);
    // The start has no reward of its own, and an arm that is not there has nothing.
    expect(dotsOf(e8, 'reward', [['SFT', 'the start', 'plain']])).toEqual([]);
    expect(dotsOf(e8, 'tailRecall', [['nobody', 'nobody', 'plain']])).toEqual([]);
  });

  it('are said with their interval and their outcome', () => {
    const [finding] = e8.findings;
    if (finding === undefined) expect.fail('E8 has no findings');
    expect(findingText(findingOf(e8, finding.claim, finding.metric))).toBe(
      `${finding.outcome}: ${formatDifference(finding.mean)} (95 % from ${formatDifference(finding.low ?? 0)} to ${formatDifference(finding.high ?? 0)}, ${finding.n} seeds)`,
    );
    expect(findingText({ ...finding, low: null })).toBe(
      `${finding.outcome}: ${formatDifference(finding.mean)} (${finding.n} seeds)`,
    );
    expect(findingText(undefined)).toBe('not in the results file');
  });

  it('name the best row, whichever way is better, and only where chance does not explain it', () => {
    const rows = dotsOf(
      e8,
      'tailRecall',
      e8.arms.map(({ name }) => [name, name, 'own'] as const),
    );
    const means = rows.map(({ mean }) => mean);
    expect(leaderOf(rows)?.best.mean).toBe(Math.max(...means));
    expect(leaderOf(rows, true)?.best.mean).toBe(Math.min(...means));
    expect(leaderOf([])).toBeUndefined();
    const row = (values: number[], interval?: [number, number]): DotsRow => {
      return {
        name: 'row',
        look: 'own',
        values,
        mean: meanOf(values),
        ...(interval === undefined ? {} : { interval }),
      };
    };
    const [base, ahead, level] = [
      [1, 2, 3, 4, 5],
      [1.2, 2.1, 3.2, 4.1, 5.2],
      [2, 1.9, 3, 4, 5],
    ];
    // Seed by seed the small difference is plain, and the larger one of a single seed is not.
    expect(leaderOf([row(base), row(ahead)])?.isDecided).toBe(true);
    expect(leaderOf([row(base), row(level)])?.isDecided).toBe(false);
    expect(leaderOf([row(base.slice(0, 3)), row(ahead.slice(0, 3))])?.isDecided).toBe(false);
    expect(leaderOf([row([0.5], [0.4, 0.6]), row([0.8], [0.7, 0.9])])?.isDecided).toBe(true);
    expect(leaderOf([row([0.5], [0.4, 0.6]), row([0.65], [0.55, 0.75])])?.isDecided).toBe(false);
    expect([leaderOf([row([1]), row([2])]), leaderOf([row([1]), row([1])])].map((each) => each?.isDecided)).toEqual([true, false]); // prettier-ignore
  });

  it('agree with the finding of the experiment on what is decided', () => {
    const question = whichIsBest({ key: 'k', rows: dotsOf(e8, 'strictReward', [['GRPO (matched, lenient)', 'label and form', 'rival'], ['GRPO (matched, full)', 'every step', 'own']]) }, { asked: 'Which?', short: 'Best' }, ''); // prettier-ignore
    const found = findingOf(e8, 'The full reward gives better reasoning (against matched, lenient)', 'strictReward');
    expect(found?.outcome).toBe('undecided');
    expect(question.measured).toBe('Nobody knows');
    expect(question.answers.map(([, text]) => text)).toEqual(['Label and form', 'Every step', 'Nobody knows']);
  });

  it('count what has fallen beyond chance, seed by seed', () => {
    const rows = dotsOf(e8, 'strictReward', [['SFT', 'the start', 'plain'], ['GRPO (matched, lenient)', 'lenient', 'rival'], ['GRPO (matched, full)', 'full', 'own']]); // prettier-ignore
    const question = howManyFell({ key: 'k', rows }, { asked: 'How many?', short: 'Fell' }, '');
    expect(question.measured).toBe('1 of 2');
    const rising = rows.map((row) => (row.look === 'plain' ? { ...row, values: row.values.map(() => 0) } : row));
    expect(howManyFell({ key: 'k', rows: rising }, { asked: 'How many?', short: 'Fell' }, '').measured).toBe('0 of 2');
  });

  it('are a line per dot as CSV, whose names no spreadsheet runs', () => {
    const rows = dotsOf(e8, 'tailRecall', [['SFT', '=start', 'plain']]);
    expect(dotsCsv('tailRecall', rows).split('\n').slice(0, 2)).toEqual([
      'row,seed,metric,value',
      `"'=start",1,"tailRecall",${rows[0]?.values[0]}`,
    ]);
    fc.assert(fc.property(fc.string(), (text) => !/^"[=+\-@\t\r]/u.test(quoted(text))));
  });
});

describe('words that are taken out', () => {
  const word = fc.stringMatching(/^[a-z]{1,6}$/u);
  const document = fc
    .record({
      title: fc.array(word, { minLength: 1, maxLength: 5 }),
      type: word,
      colour: word,
      tags: fc.array(word, { maxLength: 3 }),
    })
    .map(({ title, type, colour, tags }) =>
      makeDocument({ title: title.join(' '), type, attributes: { colour, tags, pieces: 3 } }),
    );

  it('are gone from every field, and nothing else is', () => {
    fc.assert(
      fc.property(document, fc.nat(20), (whole, pick) => {
        const words = wordsOf(whole);
        const chosen = words[pick % words.length];
        if (chosen === undefined) return;
        const rest = withoutWords(whole, new Set([chosen.place]));
        expect(wordsOf(rest).map(({ text }) => text)).toEqual(
          words.map(({ text }) => text).filter((text) => text !== chosen.text),
        );
        expect(rest.attributes['pieces']).toBe(3);
        expect(withoutWords(whole, new Set())).toEqual(whole);
      }),
    );
  });

  it('are those that an answer cites of the document', () => {
    const step = (source: 'query' | 'document', text: string) => ({
      kind: 'step' as const,
      index: 0,
      step: {
        rule: 0,
        criterion: 'brand' as const,
        evidence: [{ source, text }],
        verdict: 'match' as const,
        implied: 0,
      },
    });
    const steps = [step('query', 'red'), step('document', ' Red'), step('document', 'red')] as never;
    expect(citedIn({ steps })).toEqual(['red']);
  });
});

describe('the keys of a lesson', () => {
  const actions = { turn: vi.fn(), present: vi.fn(), blank: vi.fn(), leave: vi.fn(), play: vi.fn(), notes: vi.fn(), vote: vi.fn() }; // prettier-ignore
  const press = (key: string, isPresenting = true, isOnButton = false): boolean => {
    const act = presenterKeys(actions)(key, { isPresenting, isOnButton });
    act?.();
    return act !== undefined;
  };

  it('count votes and open the notes in front of a room alone', () => {
    expect([press('2', false), press('n', false), press('7')]).toEqual([false, false, false]);
    expect([press('2'), press('0'), press('N')]).toEqual([true, true, true]);
    expect(actions.vote.mock.calls).toEqual([[1], [undefined]]);
    expect(actions.notes).toHaveBeenCalledOnce();
  });

  it('leave Space to the button that has the focus', () => {
    expect([press(' ', true, true), press(' ', false, false)]).toEqual([false, true]);
    expect(actions.play).toHaveBeenCalledOnce();
  });
});
