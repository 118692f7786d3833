/**
 * The form is made from the schema: every setting has a control and words, what the schema refuses is told at its
 * field, and a draft of settings is those settings.
 */
import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { type SftExperiment, SftExperimentSchema } from '../../../../src/protocol/sft-experiment.ts';
import { FIRST_RUN } from '../../../../src/ui/train/first-run.ts';
import { checkDraft, demandOf, draftOf, fieldsIn } from '../../../../src/ui/parts/forms/settings-draft.ts';
import { checkSftDraft, SFT_FORM, withDataKind, withDataSet, withGrades } from '../../../../src/ui/train/sft-draft.ts';
import { STUDENT_FORM } from '../../../../src/ui/train/student-choice.ts';
import { CURRENT_STANDING } from '../../../../src/relevance/prompt/standing.ts';
import { CURRENT_FOLDING } from '../../../../src/relevance/pair/text-folding.ts';

const DEFAULTS = v.parse(SftExperimentSchema, {});
const OWN_FILE = v.parse(SftExperimentSchema, {
  data: { kind: 'file', name: 'pairs.tsv', sha256: 'a'.repeat(64), devShare: 0.2 },
  prompt: { scaleSize: 2 },
});
/** The settings with the versions of folding and standing hints that new models get. */
const asNew = (settings: SftExperiment): SftExperiment => {
  const versions = {
    folding: CURRENT_FOLDING,
    ...(settings.data.kind === 'file' ? { standingVersion: CURRENT_STANDING } : {}),
  };
  return { ...settings, prompt: { ...settings.prompt, ...versions } };
};
const fieldAt = (path: string) => {
  const field = SFT_FORM.fields.find((candidate) => candidate.path === path);
  if (field === undefined) throw new Error(`There is no field ${path}.`);
  return field;
};

describe('a draft', () => {
  it.each([
    ['the defaults', DEFAULTS],
    ['the first run', FIRST_RUN],
    ['a run on a file', OWN_FILE],
  ])('of %s is those settings, for a new model', (_, settings) => {
    expect(checkSftDraft(draftOf(SFT_FORM, settings))).toEqual({ settings: asNew(settings), problems: new Map() });
  });

  it('of any settings that the schema takes is those settings', () => {
    const settings = fc.record({
      sft: fc.record({
        steps: fc.integer({ min: 1, max: 1e6 }),
        learningRate: fc.double({ min: 1e-9, max: 10, noNaN: true }),
        seed: fc.integer(),
      }),
      data: fc.record({ kind: fc.constant('world' as const), labelNoise: fc.double({ min: 0, max: 1, noNaN: true }) }),
      prompt: fc.record({ hints: fc.boolean() }),
    });
    fc.assert(
      fc.property(settings, (partial) => {
        const whole = v.parse(SftExperimentSchema, partial);
        expect(checkSftDraft(draftOf(SFT_FORM, whole)).settings).toEqual(asNew(whole));
      }),
    );
  });

  it.each([
    ['sft.steps', '0', 'Give a whole number from 1 to 10,000,000.'],
    ['sft.steps', '1.5', 'Give a whole number from 1 to 10,000,000.'],
    ['sft.steps', '', 'Give a whole number from 1 to 10,000,000.'],
    ['sft.steps', '0x10', 'Give a whole number from 1 to 10,000,000.'],
    ['sft.steps', '1e999', 'Give a whole number from 1 to 10,000,000.'],
    ['sft.steps', '2e9', 'Give a whole number from 1 to 10,000,000.'],
    ['data.labelNoise', '0,5', 'Give a number from 0 to 1.'],
    ['sft.steps', 'many', 'Give a whole number from 1 to 10,000,000.'],
    ['sft.learningRate', '0', 'Give a number above 0, up to 1e30.'],
    ['data.labelNoise', '1.1', 'Give a number from 0 to 1.'],
    ['name', '', 'Give a name.'],
    ['preset', 'giant', 'Choose one of lab-nano, nano, micro, mini, small, base.'],
  ])('with %s "%s" is told what is asked for', (path, typed, demand) => {
    const { settings, problems } = checkSftDraft(new Map(draftOf(SFT_FORM, FIRST_RUN)).set(path, typed));
    expect(settings).toBeUndefined();
    expect([...problems]).toEqual([[path, demand]]);
    expect(demandOf(fieldAt(path))).toBe(demand);
  });

  it('tells every wrong field at once', () => {
    const draft = new Map(draftOf(SFT_FORM, FIRST_RUN)).set('sft.steps', '0').set('data.brandCount', '1');
    expect([...checkSftDraft(draft).problems.keys()].toSorted()).toEqual(['data.brandCount', 'sft.steps']);
  });

  it('of other data keeps what both have, and finds back to what it was', () => {
    const draft = new Map(draftOf(SFT_FORM, FIRST_RUN)).set('data.trainQueries', '77').set('sft.steps', '12');
    const onFile = withDataKind(draft, 'file');
    expect(checkSftDraft(onFile).settings).toBeUndefined(); // there is no file yet
    const summary = { name: 'p.tsv', sha256: 'b'.repeat(64), likelyScale: 2 };
    const chosen = withDataSet(onFile, { ...NOTHING_READ, ...summary });
    expect(checkSftDraft(chosen).settings).toMatchObject({
      data: { kind: 'file', name: 'p.tsv', sha256: 'b'.repeat(64), devShare: 0.1 },
      prompt: { scaleSize: 2 },
      sft: { steps: 12 },
    });
    expect(checkSftDraft(withDataKind(chosen, 'world')).settings).toMatchObject({
      data: { kind: 'world', trainQueries: 77 },
      prompt: { scaleSize: 4 },
    });
  });
});

describe('the labels and grades of a file', () => {
  const ofFile = { ...NOTHING_READ, name: 'p.tsv', sha256: 'b'.repeat(64), likelyScale: 3 };
  const named = new Map(withDataSet(draftOf(SFT_FORM, FIRST_RUN), ofFile)).set('data.labels', 'no, partly, yes');

  it('stay with the file, and are no other file\u2019s', () => {
    expect(withDataSet(named, ofFile).get('data.labels')).toBe('no, partly, yes');
    expect(withDataSet(named, { ...ofFile, sha256: 'c'.repeat(64) }).get('data.labels')).toBe('');
  });

  it('go where grades get another scale', () => {
    expect(withGrades(named, 'a=0,b=2', 3).get('data.labels')).toBe('no, partly, yes');
    expect(withGrades(named, 'a=0,b=1', 3).get('data.labels')).toBe('');
  });
});

describe('a draft with variants', () => {
  it('has the fields of the kinds that are chosen, and keeps what was typed for another', () => {
    const kd = new Map<string, string>([
      ['distill.method.kind', 'label-kd'],
      ['distill.method.temperature', '3'],
    ]);
    const paths = (draft: ReadonlyMap<string, string>): string[] =>
      fieldsIn(STUDENT_FORM.fields, draft).map(({ path }) => path);
    expect(paths(kd)).toContain('distill.method.temperature');
    expect(paths(kd)).not.toContain('distill.method.beta');
    expect(checkDraft(STUDENT_FORM, kd).settings?.distill.method).toEqual({ kind: 'label-kd', temperature: 3 });
    const trace = new Map(kd).set('distill.method.kind', 'trace');
    expect(checkDraft(STUDENT_FORM, trace).settings?.distill.method).toEqual({ kind: 'trace', minReward: 0.75 });
  });
});

const NOTHING_READ = {
  pairs: 0,
  queries: 0,
  documents: 0,
  grades: [],
  gradeCount: 0,
  refused: 0,
  refusals: [],
  findings: [],
};
