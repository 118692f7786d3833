/**
 * The instruction: an ordered, executable, readable list of typed rules. It is data that can be shown, saved, hashed,
 * edited (by people or by PIAR) and executed on a pair (execute.ts).
 *
 * A rule fires when its condition holds on a pair within its scope, and then caps the label. Within one criterion the
 * rules are a decision list: the first that fires wins, so exceptions precede the general rule. The label of a pair is
 * the lowest cap among the winners of all criteria. The cap of a positive finding is R - 1.
 */
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import { hashHex } from '../../common/rng.ts';
import { describeIssue, sentence } from '../../config/issues.ts';
import { MAX_SCALE, MIN_SCALE, type LabelScale } from '../pair/labels.ts';
import { DOCUMENT_FIELDS } from '../pair/pair.ts';
import { CRITERIA, MAX_INSTRUCTION_VERSIONS, MAX_RULES } from '../pair/vocabulary.ts';

/** A condition on one relation of query and document. It holds if any of the listed relations does. */
function relationSchema<Kind extends string, const Relations extends readonly [string, ...string[]]>(
  kind: Kind,
  relations: Relations,
) {
  return v.strictObject({ kind: v.literal(kind), is: v.pipe(v.array(v.picklist(relations)), v.nonEmpty()) });
}

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const word = v.pipe(v.string(), v.nonEmpty());
const place = v.picklist(['any', ...DOCUMENT_FIELDS]);
const BOUNDS = ['at-least', 'below'] as const;

/** The schema of one condition. */
export const conditionSchema = v.variant('kind', [
  relationSchema('type', ['same', 'different', 'alternative']),
  relationSchema('brand', ['same', 'other', 'absent']),
  v.strictObject({
    kind: v.literal('attribute'),
    is: v.pipe(v.array(v.picklist(['same', 'other', 'absent'])), v.nonEmpty()),
    /** Only this attribute ("colour"); any if absent. */
    of: v.optional(v.pipe(v.string(), v.nonEmpty())),
  }),
  relationSchema('quantity', ['same', 'near', 'far', 'larger', 'smaller', 'absent']),
  relationSchema('negation', ['respected', 'violated']),
  relationSchema('accessory', ['fits', 'misfits', 'absent', 'only']),
  relationSchema('audience', ['same', 'other', 'absent']),
  /** A document attribute has one of these values, and the query does not ask for that value. */
  v.strictObject({
    kind: v.literal('unasked'),
    attribute: v.pipe(v.string(), v.nonEmpty()),
    values: v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.nonEmpty()),
  }),
  /** A field (or any) names one of these words, and the query does not: "case" for a query "laptop". */
  v.strictObject({ kind: v.literal('unasked-word'), field: place, words: v.pipe(v.array(word), v.nonEmpty()) }),
  /**
   * The share of query words found in a field (or anywhere) is at least, or below, a bound. With `side: 'field'` it is
   * the share of the field's words found in the query, for example how much of a title the query contains.
   */
  v.pipe(
    v.strictObject({
      kind: v.literal('overlap'),
      field: place,
      /** Only this attribute, if the field is `attributes`. */
      of: v.optional(v.pipe(v.string(), v.nonEmpty())),
      /** Whose words are counted; the query's if absent. */
      side: v.optional(v.literal('field')),
      is: v.picklist(BOUNDS),
      share,
    }),
    v.check(({ field, of }) => of === undefined || field === 'attributes', 'only attributes have an "of"'),
  ),
  /** A field contains the query's words as a run, the query contains the field's words as a run, or both. */
  v.strictObject({
    kind: v.literal('phrase'),
    field: v.picklist(DOCUMENT_FIELDS),
    is: v.pipe(v.array(v.picklist(['equal', 'query-in-field', 'field-in-query'])), v.nonEmpty()),
  }),
  /** The query has at least, or fewer than, this many content words. */
  v.strictObject({
    kind: v.literal('query-length'),
    is: v.picklist(BOUNDS),
    words: v.pipe(v.number(), v.integer(), v.minValue(1)),
  }),
]);

/** The schema of one rule, for proposals from outside. */
export const ruleSchema = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'a short name like "brand-other"'), v.maxLength(40)),
  criterion: v.picklist(CRITERIA),
  /** The category the rule is restricted to; all categories if absent. */
  scope: v.optional(v.pipe(v.string(), v.nonEmpty())),
  when: conditionSchema,
  /** The highest label a pair can keep when the rule fires. */
  cap: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_SCALE - 1)),
  text: v.pipe(v.string(), v.nonEmpty()),
});

const instructionSchema = v.strictObject({
  name: v.pipe(v.string(), v.nonEmpty()),
  /** The index of the instruction token that a from-scratch model sees. */
  version: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_INSTRUCTION_VERSIONS - 1)),
  scaleSize: v.pipe(v.number(), v.integer(), v.minValue(MIN_SCALE), v.maxValue(MAX_SCALE)),
  rules: v.pipe(v.array(ruleSchema), v.minLength(1), v.maxLength(MAX_RULES)),
});

export type Condition = v.InferOutput<typeof conditionSchema>;
export type Rule = v.InferOutput<typeof ruleSchema>;
export type Instruction = v.InferOutput<typeof instructionSchema>;

/**
 * Parses an instruction from untrusted data.
 *
 * @throws {LabError} `bad-instruction` with the rule, for unknown keys, wrong values, repeated ids or a cap
 * outside the scale.
 */
export function parseInstruction(data: unknown): Instruction {
  const result = v.safeParse(instructionSchema, data);
  if (!result.success) {
    // An unknown key is reported first, because it usually explains a missing one.
    const issue = result.issues.find(({ expected }) => expected === 'never') ?? result.issues[0];
    throw new LabError('bad-instruction', {
      message: `${placeOf(data, issue.path)} is not usable: ${sentence(describeIssue(instructionSchema, issue))}`,
      fix: 'Correct it, or start from an exported instruction.',
    });
  }
  const instruction = result.output;
  const seen = new Set<string>();
  for (const rule of instruction.rules) {
    if (seen.has(rule.id)) {
      throw new LabError('bad-instruction', {
        message: `Rule "${rule.id}" is defined twice.`,
        fix: 'Give each rule a unique id.',
      });
    }
    seen.add(rule.id);
    if (rule.cap >= instruction.scaleSize) {
      throw new LabError('bad-instruction', {
        message: `Rule "${rule.id}" caps at a label outside the scale.`,
        expected: `a cap from 0 to ${instruction.scaleSize - 1}`,
        got: String(rule.cap),
      });
    }
  }
  return instruction;
}

/**
 * Parses the JSON that {@link instructionToJson} writes.
 *
 * @throws {LabError} `bad-instruction`
 */
export function instructionFromJson(json: string): Instruction {
  let data: unknown;
  try {
    data = JSON.parse(json);
  } catch (cause) {
    throw new LabError('bad-instruction', { message: 'The instruction is not JSON.', cause });
  }
  return parseInstruction(data);
}

/** The instruction as indented JSON. */
export function instructionToJson(instruction: Instruction): string {
  return JSON.stringify(instruction, null, 2);
}

/** The instruction as numbered sentences, for people and for imported language models. */
export function instructionToText(instruction: Instruction, scale: LabelScale): string {
  const lines = instruction.rules.map((rule, index) => {
    const label = scale.names[rule.cap] ?? 'label';
    const place = rule.scope === undefined ? rule.criterion : `${rule.criterion}, ${rule.scope} only`;
    return `${index}. [${place}] ${rule.text} At most ${rule.cap} (${label}).`;
  });
  return [
    'Within one criterion only the first rule that applies counts. The label is the lowest cap among those that count.',
    ...lines,
  ].join('\n');
}

/** An 8-digit hash of everything that decides labels: the scale and the rules, independent of key order. */
export function instructionHash(instruction: Instruction): string {
  return hashHex(canonicalJson({ scaleSize: instruction.scaleSize, rules: instruction.rules }));
}

/** JSON with sorted keys, so that equal data give equal text. */
export function canonicalJson(data: unknown): string {
  return JSON.stringify(data, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** The index of a rule by its id. @throws {LabError} `not-found` */
export function ruleIndex(instruction: Instruction, id: string): number {
  const index = instruction.rules.findIndex((rule) => rule.id === id);
  if (index === -1)
    throw new LabError('not-found', { message: `The instruction "${instruction.name}" has no rule "${id}".` });
  return index;
}

// "Rule "brand-other", cap" for an issue inside a rule; "The instruction, version" for one outside.
function placeOf(data: unknown, path: readonly { readonly key: unknown }[] | undefined): string {
  const keys = (path ?? []).map((item) => String(item.key));
  if (keys[0] !== 'rules' || keys[1] === undefined) return ['The instruction', ...keys].join(', ');
  const rule: unknown = v.is(v.object({ rules: v.array(v.unknown()) }), data) ? data.rules[Number(keys[1])] : undefined;
  const name = v.is(v.object({ id: v.string() }), rule) ? `"${rule.id}"` : keys[1];
  return [`Rule ${name}`, ...keys.slice(2)].join(', ');
}
