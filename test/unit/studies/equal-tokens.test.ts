import { describe, expect, it } from 'vitest';
import { atEqualTokens } from '../../../src/studies/equal-tokens.ts';
import { seedResult } from '../../../src/studies/recipe-results.ts';
import { experimentReport } from '../../../src/studies/experiment-report.ts';
import { reportMarkdown } from '../../../src/studies/report.ts';
import type { ExperimentResults, SeedResult } from '../../../src/protocol/experiment-results.ts';
import type { PolicyMeasures } from '../../../src/protocol/policy-measures.ts';

/** A seed with its dev tail recall by tokens; tokens are undefined in old results. */
function seed(
  number: number,
  points: readonly (readonly [tokens: number | undefined, tailRecall: number])[],
): SeedResult {
  const rest = { reward: 0, headRecall: 0, distinctRules: 0, accuracy: 0, macroF1: 0, pairAccuracy: 0 };
  const curve = points.map(([tokens, tailRecall], i) => ({
    ...rest,
    step: 10 * i,
    tailRecall,
    labelEntropy: 0,
    reasoningEntropy: 0,
    ...(tokens === undefined ? {} : { tokens }),
  }));
  return { seed: number, metrics: {}, curve, tokens: { generated: 0, learned: 0, expert: 0 } };
}

const FINDING = { claim: 'a keeps more', arm: 'a', against: 'b', n: 1, mean: 0, low: 0, high: 0, outcome: 'undecided' } as const; // prettier-ignore

function results(a: readonly SeedResult[], b: readonly SeedResult[]): Pick<ExperimentResults, 'arms' | 'findings'> {
  const arms = [
    { name: 'a', seeds: [...a] },
    { name: 'b', seeds: [...b] },
  ];
  return { arms, findings: [{ ...FINDING, metric: 'tailRecall' }] };
}

describe('atEqualTokens', () => {
  const short = seed(1, [[0, 0.5], [100, 0.7]]); // prettier-ignore
  const long = seed(1, [[0, 0.5], [80, 0.6], [160, 0.2]]); // prettier-ignore

  it('compares where the arm with fewer tokens ends, interpolating the other', () => {
    // At 100 tokens the long one is a quarter of the way from 0.6 to 0.2.
    const [found] = atEqualTokens(results([short], [long]));
    expect(found).toMatchObject({ claim: 'a keeps more', metric: 'tailRecall', tokens: 100 });
    expect(found?.difference.mean).toBeCloseTo(0.7 - 0.5, 12);
    const [turned] = atEqualTokens(results([long], [short]));
    expect(turned?.difference.mean).toBeCloseTo(0.5 - 0.7, 12);
  });

  it('uses seeds of both arms, and leaves out results without tokens and metrics without curves', () => {
    expect(atEqualTokens(results([short, seed(2, [[0, 0.1], [90, 0.2]])], [long]))[0]?.difference.n).toBe(1); // prettier-ignore
    const old = seed(1, [[undefined, 0.5], [undefined, 0.4]]); // prettier-ignore
    expect(atEqualTokens(results([short], [old]))).toEqual([]);
    const { arms } = results([short], [long]);
    expect(atEqualTokens({ arms, findings: [{ ...FINDING, metric: 'strictReward' }] })).toEqual([]);
    expect(atEqualTokens({ arms, findings: [{ ...FINDING, metric: 'tailRecall', against: null }] })).toEqual([]);
  });

  it('has its own table in the report, unless it is empty', () => {
    const whole = { id: 'E5', title: 't', question: 'q', device: 'd', commit: 'c', config: {}, verdict: '' };
    expect(reportMarkdown(experimentReport({ ...whole, ...results([short], [long]) }))).toMatch(
      /## At equal tokens[^#]*\| a keeps more \| tailRecall \+0\.200 \| unknown \| 0 \| 1 \|/u,
    );
    expect(reportMarkdown(experimentReport({ ...whole, ...results([], []) }))).not.toMatch(/equal tokens/u);
  });
});

describe('the curve of a result', () => {
  it('has the tokens of its points', () => {
    const heldOut = { pairs: 1, accuracy: 0, macroF1: 0, pairAccuracy: 0, headRecall: 0, tailRecall: 0, distinctRules: 0, validTraces: 0, strictReward: 0, verifiedSteps: 0, labelTraceAgreement: 0, labelEntropyNats: 0, expertLossNats: 0 }; // prettier-ignore
    const probe = { reward: 0, labelEntropyNats: 0, reasoningEntropyNats: 0, distinctRules: 0, zeroVarianceShare: 0, invalidShare: 0, meanLength: 0 }; // prettier-ignore
    const measures: PolicyMeasures = { probe, heldOut };
    const records = [
      { step: 1, tokens: { generated: 1, learned: 10, expert: 100 } },
      { step: 2, tokens: { generated: 2, learned: 20, expert: 200 } },
    ];
    const curve = [{ step: 0, measures }, { step: 2, measures }]; // prettier-ignore
    const last = { generated: 2, learned: 20, expert: 200 };
    expect(seedResult(1, curve, heldOut, last, records).curve.map(({ tokens }) => tokens)).toEqual([0, 222]);
    expect(seedResult(1, curve, heldOut, last).curve.map(({ tokens }) => tokens)).toEqual([undefined, undefined]);
  });
});
