/** The pairs that a recording follows: those of its world, as whoever opens the file can make again. */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parseGrpoExperiment } from '../../../src/protocol/grpo-experiment.ts';
import { RecordedPairSchema } from '../../../src/protocol/policy-answers.ts';
import { parseRecording } from '../../../src/protocol/recording.ts';
import { makeRuleWorld } from '../../../src/relevance/world/rule-world.ts';
import { heldOutPairs } from '../../../src/runs/grpo-task.ts';
import { recordedPairs } from '../../../src/runs/recorded-answers.ts';
import { rulesOfWorld } from '../../../src/runs/sft-experiment.ts';

describe('the pairs of the shipped recordings', () => {
  it.each(['grpo', 'mbo'])('of %s are the first held-out pairs of its world, with all that decides them', (name) => {
    const { experiment, pairs } = parseRecording(name, readFileSync(`public/recordings/${name}.json`, 'utf8'));
    const { data } = parseGrpoExperiment(name, experiment);
    if (data.kind !== 'world') expect.fail('not of a world');
    const { kind: _, ...settings } = data;
    const world = makeRuleWorld(settings);
    expect(pairs).toEqual(recordedPairs(rulesOfWorld(world), heldOutPairs(world, 'dev', pairs.length)));
  });

  it('of documents as long as books still fit into a message', () => {
    const world = makeRuleWorld({ devQueries: 4 });
    const [expert] = heldOutPairs(world, 'dev', 1);
    if (expert === undefined) expect.fail('no pair');
    const long = 'word '.repeat(4000);
    const { pair } = expert;
    const document = { ...pair.document, title: long, attributes: { text: long } };
    const [recorded] = recordedPairs(rulesOfWorld(world), [{ ...expert, pair: { ...pair, query: long, document } }]);
    expect(v.safeParse(RecordedPairSchema, recorded).success).toBe(true);
  });
});
