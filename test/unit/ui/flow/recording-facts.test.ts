/** What a recording shows, on one that can be counted by hand and on those that come with the page. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseRecording } from '../../../../src/protocol/recording.ts';
import {
  citations,
  deadRules,
  lastFrame,
  mergedRule,
  rightLabels,
  ruleFate,
  shareOf,
  surerAndWrong,
  vanishedRule,
} from '../../../../src/ui/flow/recording-facts.ts';
import {
  collapsedSince,
  fateText,
  paidText,
  recordedNote,
  rulesLostText,
} from '../../../../src/ui/lessons/collapse/text.ts';
import { smallRecording } from './small-recording.ts';

const SMALL = smallRecording();
const BUNDLED = (['grpo', 'mbo'] as const).map((name) => {
  return [name, parseRecording(name, readFileSync(`public/recordings/${name}.json`, 'utf8'))] as const;
});

describe('the facts of a small recording', () => {
  it('counts who cites what, and what died', () => {
    expect([0, 1, 2].map((at) => citations(SMALL, at))).toEqual([[2, 2, 1, 1], [3, 1, 1, 1], [4, 0, 0, 2]]); // prettier-ignore
    expect([0, 1, 2].map((at) => deadRules(SMALL, at))).toEqual([[], [], [1, 2]]);
  });

  it('tells merging from vanishing', () => {
    expect(mergedRule(SMALL, 2)).toMatchObject({ rule: 1, replacedBy: 0, citedBefore: { part: 2, whole: 2 }, citedNow: { part: 0, whole: 2 } }); // prettier-ignore
    expect(vanishedRule(SMALL, 2)).toMatchObject({ rule: 2, isTail: true, replacedBy: 3, example: 4, rightNow: { part: 0, whole: 1 } }); // prettier-ignore
    expect([mergedRule(SMALL, 0), vanishedRule(SMALL, 0)]).toEqual([undefined, undefined]);
  });

  it('finds the pair that is surer and wrong', () => {
    expect(surerAndWrong(SMALL)).toBe(4);
    expect(surerAndWrong(smallRecording(SMALL.frames.slice(0, 1)))).toBeUndefined();
  });

  it('says so in words that hold its numbers', () => {
    expect(rightLabels(SMALL, 2)).toEqual({ part: 5, whole: 6 });
    expect(paidText(SMALL)).toBe('Over 20 steps the reward rose from 0.40 to 0.70.');
    expect(collapsedSince(SMALL)).toBe(20);
    expect(rulesLostText(SMALL)).toMatch(/collapsed at step 20/u);
    expect(recordedNote(SMALL)).toBe('Recorded, not live: seed 9, 20 steps from a start, 6 held-out pairs, wasm, 2026-11-30.'); // prettier-ignore
    expect(fateText(SMALL, ruleFate(SMALL, 2, 2))).toBe('worn: cited in 1 of its 1 pair, then in 0 (now mostly type-same); labels right 100 %, then 0 %.'); // prettier-ignore
  });
});

describe.each(BUNDLED)('the recording %s', (name, recording) => {
  it('was made by the settings beside it', () => {
    const settings = JSON.parse(readFileSync(`public/recordings/${name}.experiment.json`, 'utf8')) as object;
    expect(recording.experiment).toMatchObject(settings);
    expect(recording.pairs).toHaveLength(240);
    expect(recording.frames.at(-1)?.step).toBe(160);
  });

  it('agrees with its own averages', () => {
    for (const [at, { measures }] of recording.frames.entries()) {
      expect(shareOf(rightLabels(recording, at))).toBeCloseTo(measures.heldOut.accuracy ?? 0, 3);
      expect(citations(recording, at).reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(recording.pairs.length);
      expect(citations(recording, at).filter((count) => count > 0).length).toBeLessThanOrEqual(measures.heldOut.distinctRules); // prettier-ignore
    }
  });
});

describe('the two recordings', () => {
  const [reward, balanced] = BUNDLED.map(([, recording]) => recording);
  if (reward === undefined || balanced === undefined) throw new Error('two recordings');

  it('start alike on the same pairs and differ by the examples alone', () => {
    expect(balanced.pairs).toEqual(reward.pairs);
    expect(balanced.model).toEqual(reward.model);
    expect(balanced.frames[0]?.answers).toEqual(reward.frames[0]?.answers);
    const settings = (recording: typeof reward): unknown => {
      const { name: _n, grpo, ...rest } = recording.experiment as { name: string; grpo: Record<string, unknown> };
      return { ...rest, grpo: { ...grpo, balance: null } };
    };
    expect(settings(balanced)).toEqual(settings(reward));
  });

  it('show what the lesson says: one collapses and stays so, the other does not', () => {
    expect(collapsedSince(reward)).toBeDefined();
    expect(collapsedSince(balanced)).toBeUndefined();
    expect(mergedRule(reward, lastFrame(reward))).toBeDefined();
    expect(vanishedRule(reward, lastFrame(reward))).toBeDefined();
    expect(surerAndWrong(reward)).toBeDefined();
  });
});
