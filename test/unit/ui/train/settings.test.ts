/**
 * The form is made from the schema: every setting has a control and words, what the schema refuses is told at its field,
 * and a draft of settings is those settings.
 */
import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { type DataKind, type SftExperiment, SftExperimentSchema } from '../../../../src/protocol/sft-experiment.ts';
import { FIRST_RUN } from '../../../../src/ui/train/first-run.ts';
import { SETTING_TEXTS } from '../../../../src/ui/train/setting-texts.ts';
import {
  checkDraft,
  demandOf,
  draftOf,
  SETTING_FIELDS,
  withDataKind,
  withDataSet,
} from '../../../../src/ui/train/settings-draft.ts';
import { fieldsOf } from '../../../../src/ui/train/settings-fields.ts';
import { CURRENT_FOLDING } from '../../../../src/relevance/pair/text-folding.ts';

const DEFAULTS = v.parse(SftExperimentSchema, {});
const OWN_FILE = v.parse(SftExperimentSchema, {
  data: { kind: 'file', name: 'pairs.tsv', sha256: 'a'.repeat(64), devShare: 0.2 },
  prompt: { scaleSize: 2 },
});
/** The settings with the folding that new models get. */
const asNew = (settings: SftExperiment): SftExperiment => {
  return { ...settings, prompt: { ...settings.prompt, folding: CURRENT_FOLDING } };
};
const fieldAt = (path: string) => {
  const field = [...SETTING_FIELDS.world, ...SETTING_FIELDS.file].find((candidate) => candidate.path === path);
  if (field === undefined) throw new Error(`There is no field ${path}.`);
  return field;
};

describe('the fields', () => {
  it('are one for each leaf of the settings, each with words, and no words are left over', () => {
    const leaves = (value: unknown, path: string): string[] =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([name, child]) => leaves(child, path === '' ? name : `${path}.${name}`))
        : [path];
    const pathsOf = (kind: DataKind): string[] => SETTING_FIELDS[kind].map(({ path }) => path).toSorted();
    expect(pathsOf('world')).toEqual(leaves(DEFAULTS, '').toSorted());
    expect(pathsOf('file')).toEqual(leaves(OWN_FILE, '').toSorted());
    const all = [...new Set([...pathsOf('world'), ...pathsOf('file')])];
    expect(all.toSorted()).toEqual(Object.keys(SETTING_TEXTS).toSorted());
  });

  it('know the range, the kind and the default of a setting', () => {
    expect(fieldAt('sft.learningRate')).toMatchObject({ kind: 'number', min: 0, isAboveMin: true, isWhole: false });
    expect(fieldAt('data.zipfExponent')).toMatchObject({ min: 0, max: 3, isAboveMin: false, fallback: 1.3 });
    expect(fieldAt('sft.seed')).toMatchObject({ min: undefined, max: undefined, isWhole: true });
    expect(fieldAt('preset')).toMatchObject({ kind: 'choice', fallback: 'nano' });
    expect(fieldAt('prompt.hints')).toMatchObject({ kind: 'toggle', fallback: true });
    expect(fieldAt('name')).toMatchObject({ kind: 'text' });
  });

  it('refuse a schema they have no control for, naming the setting', () => {
    const list = v.strictObject({ sizes: v.optional(v.array(v.number()), []) });
    expect(() => fieldsOf(list)).toThrow(/"sizes"/u);
    expect(() =>
      fieldsOf(v.strictObject({ deep: v.optional(v.strictObject({ bare: v.number() }), { bare: 1 }) })),
    ).toThrow(/"deep.bare"/u);
  });
});

describe('a draft', () => {
  it.each([
    ['the defaults', DEFAULTS],
    ['the first run', FIRST_RUN],
    ['a run on a file', OWN_FILE],
  ])('of %s is those settings, for a new model', (_, settings) => {
    expect(checkDraft(draftOf(settings))).toEqual({ settings: asNew(settings), problems: new Map() });
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
        expect(checkDraft(draftOf(whole)).settings).toEqual(asNew(whole));
      }),
    );
  });

  it.each([
    ['sft.steps', '0', 'Give a whole number of at least 1.'],
    ['sft.steps', '1.5', 'Give a whole number of at least 1.'],
    ['sft.steps', '', 'Give a whole number of at least 1.'],
    ['sft.steps', 'many', 'Give a whole number of at least 1.'],
    ['sft.learningRate', '0', 'Give a number above 0.'],
    ['data.labelNoise', '1.1', 'Give a number from 0 to 1.'],
    ['name', '', 'Give a name.'],
    ['preset', 'giant', 'Choose one of lab-nano, nano, micro, mini, small, base.'],
  ])('with %s "%s" is told what is asked for', (path, typed, demand) => {
    const { settings, problems } = checkDraft(new Map(draftOf(FIRST_RUN)).set(path, typed));
    expect(settings).toBeUndefined();
    expect([...problems]).toEqual([[path, demand]]);
    expect(demandOf(fieldAt(path))).toBe(demand);
  });

  it('tells every wrong field at once', () => {
    const draft = new Map(draftOf(FIRST_RUN)).set('sft.steps', '0').set('data.brandCount', '1');
    expect([...checkDraft(draft).problems.keys()].toSorted()).toEqual(['data.brandCount', 'sft.steps']);
  });

  it('of other data keeps what both have, and finds back to what it was', () => {
    const draft = new Map(draftOf(FIRST_RUN)).set('data.trainQueries', '77').set('sft.steps', '12');
    const onFile = withDataKind(draft, 'file');
    expect(checkDraft(onFile).settings).toBeUndefined(); // there is no file yet
    const summary = { name: 'p.tsv', sha256: 'b'.repeat(64), likelyScale: 2 };
    const chosen = withDataSet(onFile, { ...NOTHING_READ, ...summary });
    expect(checkDraft(chosen).settings).toMatchObject({
      data: { kind: 'file', name: 'p.tsv', sha256: 'b'.repeat(64), devShare: 0.1 },
      prompt: { scaleSize: 2 },
      sft: { steps: 12 },
    });
    expect(checkDraft(withDataKind(chosen, 'world')).settings).toMatchObject({
      data: { kind: 'world', trainQueries: 77 },
      prompt: { scaleSize: 4 },
    });
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
