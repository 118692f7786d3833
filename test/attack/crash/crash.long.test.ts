/** Commands killed at their writes, at a small count; `npm run crash` kills more of them. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { addCounts, crash, NO_COUNTS, referenceOf } from './crash.ts';
import { NODE_SCENARIOS } from './scenarios.ts';

/** The scenarios with most files, and cheap ones; each is killed this often, twelve times in all. */
const MOST_ROUNDS = 5;
const KILLED = { sft: 4, score: 3, import: 3, experiment: 2 };

describe.each(Object.entries(KILLED))('lab %s', (name, times) => {
  it(`killed ${times} times ends as if it had not been`, async () => {
    const scenario = NODE_SCENARIOS.find((one) => one.name === name);
    if (scenario === undefined) throw new Error(`no scenario ${name}`);
    const problems: string[] = [];
    const reference = await referenceOf(scenario);
    const rng = new Rng(`ci/${name}`);
    const sum = { ...NO_COUNTS };
    // A kill that comes too late finds the command done.
    for (let round = 0; sum.kills < times && round < MOST_ROUNDS; round++) {
      const counts = await crash(scenario, reference, times - sum.kills, rng, (problem) => problems.push(problem));
      addCounts(sum, counts);
    }
    expect(problems).toEqual([]);
    expect(sum).toEqual({ ...NO_COUNTS, kills: times });
  });
});
