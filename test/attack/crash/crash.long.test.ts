/** Commands killed at their writes, at a small count; `npm run crash` kills more of them. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { crash, NO_COUNTS, referenceOf } from './crash.ts';
import { NODE_SCENARIOS } from './scenarios.ts';

/** The scenarios with most files, and cheap ones; each is killed this often. */
const KILLED = { sft: 4, score: 3, import: 3, experiment: 2 };

describe.each(Object.entries(KILLED))('lab %s', (name, times) => {
  it(`killed up to ${times} times ends as if it had not been`, async () => {
    const scenario = NODE_SCENARIOS.find((one) => one.name === name);
    if (scenario === undefined) throw new Error(`no scenario ${name}`);
    const problems: string[] = [];
    const reference = await referenceOf(scenario);
    const { kills, ...counts } = await crash(scenario, reference, times, new Rng(`ci/${name}`), (problem) => problems.push(problem)); // prettier-ignore
    expect(problems).toEqual([]);
    const { kills: _, ...none } = NO_COUNTS;
    expect(counts).toEqual(none);
    expect(kills).toBeGreaterThan(0);
  });
});
