/** Arbitrary rules, instructions and pairs for property tests. */
import * as fc from 'fast-check';
import {
  type Condition,
  type Instruction,
  parseInstruction,
  type Rule,
} from '../../../../src/relevance/rules/instruction.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { makeLexicon } from '../../../../src/relevance/pair/lexicon.ts';
import { DOCUMENT_FIELDS, type JudgedPair, makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { CRITERIA } from '../../../../src/relevance/pair/vocabulary.ts';

const WORDS = ['red', 'kettle', 'lamps', 'Zorvex', '1.5 l', 'for', "men's", 'USB-C', 'case', 'é', '500ml', '"'];
const SCOPES = ['kitchen', 'a "quoted" place'];

export const SOME_LEXICON = makeLexicon(
  {
    brands: ['Zorvex', 'Blim'],
    types: { kettle: 'kitchen', lamp: 'lighting', case: 'kitchen' },
    attributes: {
      colour: { values: ['red', 'blue'], exclusive: true },
      feature: { values: ['usb-c', 'quiet'], exclusive: false },
    },
    audiences: ['men'],
  },
  currentFolding(),
);

const someText = (most: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...WORDS, 'blue', 'lamp', 'quiet', 'without'), { maxLength: most }).map((w) => w.join(' '));
const freeText = fc.oneof(fc.constantFrom(...WORDS), fc.string({ minLength: 1, maxLength: 20 }));
const some = <const T extends string>(...values: readonly T[]): fc.Arbitrary<T[]> =>
  fc.subarray([...values], { minLength: 1 });
const place = fc.constantFrom('any', ...DOCUMENT_FIELDS);
const is = fc.constantFrom('at-least', 'below');
const share = fc.double({ min: 0, max: 1, noNaN: true });

/** Any condition, including ones that make little sense. */
export const anyCondition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ kind: fc.constant('type'), is: some('same', 'different', 'alternative') }),
  fc.record({ kind: fc.constant('brand'), is: some('same', 'other', 'absent') }),
  fc.record({ kind: fc.constant('attribute'), is: some('same', 'other', 'absent') }),
  fc.record({ kind: fc.constant('attribute'), is: some('same', 'absent'), of: freeText }),
  fc.record({ kind: fc.constant('quantity'), is: some('same', 'near', 'far', 'larger', 'smaller', 'absent') }),
  fc.record({ kind: fc.constant('negation'), is: some('respected', 'violated') }),
  fc.record({ kind: fc.constant('accessory'), is: some('fits', 'misfits', 'absent', 'only') }),
  fc.record({ kind: fc.constant('audience'), is: some('same', 'other', 'absent') }),
  fc.record({
    kind: fc.constant('unasked'),
    attribute: freeText,
    values: fc.array(freeText, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('unasked-word'),
    field: place,
    words: fc.array(freeText, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('overlap'), field: place, is, share }),
  fc.record({ kind: fc.constant('overlap'), field: place, side: fc.constant('field'), is, share }),
  fc.record({ kind: fc.constant('overlap'), field: fc.constant('attributes'), of: freeText, is, share }),
  fc.record({
    kind: fc.constant('phrase'),
    field: fc.constantFrom(...DOCUMENT_FIELDS),
    is: some('equal', 'query-in-field', 'field-in-query'),
  }),
  fc.record({ kind: fc.constant('query-length'), is, words: fc.integer({ min: 1, max: 9 }) }),
) as fc.Arbitrary<Condition>;

/** A rule for a scale of R labels; its id is made unique by `anyInstruction`. */
export const anyRule = (scaleSize: number): fc.Arbitrary<Rule> =>
  fc
    .record({
      id: fc.constantFrom('brand-other', 'x', 'a-1-b'),
      criterion: fc.constantFrom(...CRITERIA),
      scope: fc.option(fc.constantFrom(...SCOPES), { nil: undefined }),
      when: anyCondition,
      cap: fc.integer({ min: 0, max: scaleSize - 1 }),
      text: freeText,
    })
    .map(({ scope, ...rule }) => (scope === undefined ? rule : { ...rule, scope }));

/** A valid instruction of some scale. */
export const anyInstruction: fc.Arbitrary<Instruction> = fc.integer({ min: 2, max: 6 }).chain((scaleSize) =>
  fc
    .record({
      name: freeText,
      version: fc.integer({ min: 0, max: 3 }),
      rules: fc.array(anyRule(scaleSize), { minLength: 1, maxLength: 6 }),
    })
    .map(({ rules, ...rest }) =>
      parseInstruction({ ...rest, scaleSize, rules: rules.map((rule, i) => ({ ...rule, id: `${rule.id}-${i}` })) }),
    ),
);

/** A judged pair whose texts often share words. */
export const anyJudgedPair = (scaleSize: number): fc.Arbitrary<JudgedPair> =>
  fc
    .record({
      query: someText(4),
      title: someText(5),
      brand: fc.constantFrom('', 'Zorvex', 'Blim'),
      type: fc.constantFrom('', 'kettle', 'lamp', 'case'),
      text: someText(4),
      colour: fc.constantFrom('red', 'blue, red', '1.5 l'),
      served: someText(2),
      label: fc.integer({ min: 0, max: scaleSize - 1 }),
    })
    .map(({ query, title, brand, type, text, colour, served, label }) => ({
      query,
      queryId: query,
      label,
      document: makeDocument({
        docId: `${title}/${colour}`,
        title,
        brand,
        type,
        text,
        attributes: served === '' ? { colour } : { colour, for: served },
      }),
    }));
