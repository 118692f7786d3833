/** The file of a recorded run: what is written is read, and what a stranger made of it is refused by name. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRecording, type Recording, type RecordedFrame, writeRecording } from '../../../src/protocol/recording.ts';
import { frame, SMALL_FRAMES, smallRecording } from '../ui/flow/small-recording.ts';

function rewritten({ format: _f, schemaVersion: _v, frames, groups, ...header }: Recording): string {
  return writeRecording(header, frames, groups);
}

/** The text of a recording with a change to it as a value. */
function changed(change: (value: Record<string, unknown>) => void): string {
  const value = JSON.parse(rewritten(smallRecording())) as Record<string, unknown>;
  change(value);
  return JSON.stringify(value);
}

describe('a recording', () => {
  it('is read as it was written, whatever was answered', () => {
    const answer = fc.record({
      rule: fc.integer({ min: -1, max: 3 }),
      label: fc.integer({ min: 0, max: 1 }),
      sure: fc.integer({ min: 0, max: 1000 }),
    });
    const frames = fc.array(fc.array(answer, { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(frames, (all) => {
        const made = all.map(
          (answers, i): RecordedFrame =>
          frame(i * 7, answers.map(({ rule }) => rule), answers.map(({ label }) => label), answers.map(({ sure }) => sure)), // prettier-ignore
        );
        const recording = smallRecording(made);
        expect(recording.frames).toEqual(made);
        expect(parseRecording('again', rewritten(recording))).toEqual(recording);
      }),
    );
  });

  it('keeps settings exactly, and measurements to four digits', () => {
    const [first] = SMALL_FRAMES;
    if (first === undefined) expect.fail('no frame');
    const { probe } = first.measures;
    const measures = { ...first.measures, probe: { ...probe, reward: 0.123_456_789 } };
    const recording = smallRecording([{ ...first, measures }]);
    expect(recording.experiment).toEqual({ name: 'small', learningRate: 1e-8 });
    expect(recording.frames[0]?.measures.probe.reward).toBe(0.1235);
  });

  it.each([
    ['no JSON', '{', /no recorded run.*Expected JSON/u],
    ['another kind of file', '[1, 2]', /afrl-lab-recording/u],
    ['nothing', 'null', /another kind of file/u],
    ['a later version', changed((value) => (value['schemaVersion'] = 2)), /schemaVersion/u],
    ['a key that is not known', changed((value) => (value['html'] = '<img>')), /html/u],
    ['no pairs', changed((value) => (value['pairs'] = [])), /pairs/u],
    ['too many pairs', changed((value) => (value['pairs'] = Array.from({ length: 241 }, () => smallRecording().pairs[0]))), /pairs/u], // prettier-ignore
    ['a rule of no criterion', changed((value) => (value['rules'] = [{ id: 'x', text: '', criterion: '__proto__', cap: 0, isTail: false }])), /criterion/u], // prettier-ignore
  ])('is refused that is %s', (_, text, message) => {
    expect(() => parseRecording('theirs.json', text)).toThrow(message);
  });

  it.each([
    [
      'a cited rule',
      (frames: RecordedFrame[]) => frames[1]?.answers.rules.splice(0, 1, 4),
      /cited rule at step 10.*below 4.*Got 4/u,
    ],
    ['a label', (frames: RecordedFrame[]) => frames[0]?.answers.labels.splice(0, 1, 2), /label at step 0/u],
    [
      'a missing answer',
      (frames: RecordedFrame[]) => frames[2]?.answers.sure.pop(),
      /answers at step 20.*Expected 6.*Got 5/u,
    ],
    ['a completion of no pair', (frames: RecordedFrame[]) => frames[0]?.answers.completions.push({ pair: 6, tokens: [] }), /completion at step 0/u], // prettier-ignore
    [
      'steps that go back',
      (frames: RecordedFrame[]) => frames.sort((a, b) => b.step - a.step),
      /order of measurements/u,
    ],
    [
      'a step twice',
      (frames: RecordedFrame[]) => frames.push(...structuredClone(frames.slice(2))),
      /order of measurements/u,
    ],
    ['a probability above one', (frames: RecordedFrame[]) => frames[0]?.answers.sure.splice(0, 1, 1001), /sure/u],
  ])('is refused for %s', (_, change, message) => {
    const text = changed((value) => {
      const frames = structuredClone(SMALL_FRAMES) as RecordedFrame[];
      change(frames);
      value['frames'] = frames;
    });
    expect(() => parseRecording('theirs.json', text)).toThrow(message);
  });

  it('is refused wherever its gold points at nothing', () => {
    const gold = (pair: object): string =>
      changed((value) => {
        value['pairs'] = (value['pairs'] as object[]).map((each, i) => (i === 0 ? { ...each, ...pair } : each));
      });
    expect(() => parseRecording('theirs.json', gold({ rule: 4 }))).toThrow(/gold rule/u);
    expect(() => parseRecording('theirs.json', gold({ label: 2 }))).toThrow(/gold label/u);
    expect(parseRecording('mine.json', gold({ rule: -1 })).pairs[0]?.rule).toBe(-1);
  });
});
