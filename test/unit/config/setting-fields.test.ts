/**
 * Every setting of every kind of run has words, a range and a default, and what a field takes is what the schema takes
 * and what JSON keeps.
 */
import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { type NumberRange, type SettingField, settingFields } from '../../../src/config/setting-fields.ts';
import {
  fieldsAt,
  readNumber,
  readSetting,
  type SettingValue,
  typedSetting,
  withSetting,
} from '../../../src/config/setting-values.ts';
import { DistillExperimentSchema } from '../../../src/protocol/distill-experiment.ts';
import { GrpoExperimentSchema } from '../../../src/protocol/grpo-experiment.ts';
import { OrderExperimentSchema } from '../../../src/protocol/order-experiment.ts';
import { SftExperimentSchema } from '../../../src/protocol/sft-experiment.ts';

const SCHEMAS = {
  sft: SftExperimentSchema,
  grpo: GrpoExperimentSchema,
  distill: DistillExperimentSchema,
  order: OrderExperimentSchema,
};
const CASES = Object.entries(SCHEMAS).flatMap(([name, schema]) => {
  const fields = settingFields(schema);
  return fields.map((field) => ({
    name: `${name} ${field.path} ${field.when.at(-1)?.value ?? ''}`,
    schema,
    fields,
    field,
  }));
});
/** Those that somebody can type or choose. */
const TYPED = CASES.filter(({ field }) => field.kind !== 'given' && !field.path.startsWith('student.'));

/** Settings in which a field exists and has a value. */
function settingsWith(fields: readonly SettingField[], field: SettingField, value: SettingValue) {
  const kinds = field.when.flatMap((condition) => {
    const found = fields.find(({ path }) => path === condition.path);
    return found === undefined ? [] : [{ found, value: condition.value }];
  });
  const isInFile = field.when.some(({ path, value: kind }) => path === 'data.kind' && kind === 'file');
  const toFile = isInFile || (field.path === 'data.kind' && value === 'file');
  const start = toFile ? { data: { kind: 'file', name: 'a.tsv', sha256: '0'.repeat(64) } } : {};
  const there = kinds.reduce<Record<string, unknown>>(
    (settings, each) => withSetting(settings, fields, each.found, each.value),
    start,
  );
  return withSetting(there, fields, field, value);
}

const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(-0, Infinity, 5e-324, 1e308, Number.MAX_SAFE_INTEGER),
);
const text = fc.oneof(
  number.map(String),
  fc.array(number, { minLength: 1, maxLength: 3 }).map((all) => all.join(', ')),
  fc.string(),
  fc.constantFrom('0x10', '1,5', '1e999', '-1e999', '0b1', 'Infinity', 'NaN', '', ' 7 ', '1_000', 'none', 'true', '٣'),
);

/** Texts that a field takes. */
function rightFor(field: SettingField): fc.Arbitrary<string> {
  switch (field.kind) {
    case 'number':
      return inRange(field).map(String);
    case 'list':
      return fc
        .tuple(...field.fallback.map(() => inRange(field)))
        .map((all) => all.toSorted((a, b) => a - b).join(', '));
    case 'choice':
      return fc.constantFrom(...field.options.map(({ value }) => value));
    case 'toggle':
      return fc.constantFrom('true', 'no', 'On');
    default:
      return fc.constantFrom('Y=1,N=0');
  }
}

function inRange({ isWhole, min, isAboveMin, max }: NumberRange): fc.Arbitrary<number> {
  return isWhole ? fc.integer({ min, max }) : fc.double({ min, max, minExcluded: isAboveMin, noNaN: true });
}

describe('the settings of a run', () => {
  it.each(TYPED)('$name has words and a default that it takes itself', ({ field, fields, schema }) => {
    expect(field.label).not.toBe('');
    expect(field.help).toMatch(/\.$/u);
    expect(field.group).not.toBe('');
    const shown = field.kind === 'toggle' ? String(field.fallback) : typedSetting(field.fallback);
    expect(readSetting(field, shown)).toEqual(field.fallback);
    expect(v.safeParse(schema, settingsWith(fields, field, field.fallback)).issues).toBeUndefined();
  });

  it.each(TYPED)('$name takes what the schema takes and JSON keeps', ({ field, fields, schema }) => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(text, rightFor(field)), (typed) => {
        const value = readSetting(field, typed);
        if (value === undefined) return;
        const read = v.safeParse(schema, settingsWith(fields, field, value));
        // A text and a list may have a grammar of their own.
        if (field.kind !== 'text' && field.kind !== 'list') expect(read.issues, typed).toBeUndefined();
        if (!read.success) return;
        taken += 1;
        expect(JSON.parse(JSON.stringify(read.output)), typed).toStrictEqual(read.output);
        expect(JSON.parse(JSON.stringify(value)), typed).toStrictEqual(value);
      }),
      { numRuns: 60 },
    );
    expect(taken).toBeGreaterThan(0);
  });

  it.each(TYPED.filter(({ field }) => field.kind === 'number'))(
    '$name: what its range leaves out, the schema refuses',
    ({ field, fields, schema }) => {
      fc.assert(
        fc.property(number, (value) => {
          const isTaken = readSetting(field, String(value)) !== undefined;
          const isRight = v.safeParse(schema, settingsWith(fields, field, value)).success;
          expect(isRight, String(value)).toBe(isTaken);
        }),
      );
    },
  );

  it('is no plain list of numbers without words', () => {
    expect(() => settingFields(v.strictObject({ sizes: v.optional(v.array(v.number()), []) }))).toThrow(/"sizes"/u);
    expect(() => settingFields(v.strictObject({ bare: v.number() }))).toThrow(/"bare"/u);
  });
});

describe('readNumber', () => {
  it.each(['0x10', '1,5', '1e999', '', ' ', 'Infinity', '1_000', '0b1', '1e', '.', '--1'])('refuses "%s"', (typed) => {
    expect(readNumber(typed)).toBeUndefined();
  });
  it('reads every number that is written', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(readNumber(String(value))).toBe(value + 0);
      }),
    );
  });
});

describe('fieldsAt', () => {
  it.each([
    ['sft.stepz', 'sft.steps'],
    ['steps', 'sft.steps'],
    ['sft.learningrate', 'sft.learningRate'],
  ])('of "%s" names "%s"', (path, near) => {
    expect(() => fieldsAt(settingFields(SftExperimentSchema), path)).toThrow(`Did you mean "${near}"?`);
  });
});
