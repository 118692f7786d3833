/**
 * The rules of a file, between the Files view and its thread: found in the grades of the file, read from files, or
 * edited. Each has its count of graded pairs that it decides and of those that it gets wrong.
 */
import * as v from 'valibot';
import { editSchema } from '../relevance/rules/instruction-edits.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Graded pairs, with their number of different queries. */
const PartSchema = v.strictObject({ pairs: count, queries: count });

/** How the grades of a file were divided by query: to propose rules on, to accept them by, and to report on. */
export const PartsSchema = v.strictObject({ propose: PartSchema, accept: PartSchema, report: PartSchema });

/** How rules were found, with what was measured on the queries to report on, which refinement has not read. */
export const FindingSchema = v.strictObject({
  seed: count,
  ...PartsSchema.entries,
  rounds: count,
  /** The queries to report on, normalised: edited rules are measured on the same, whatever was graded since. */
  reported: v.array(v.string()),
  /** Right labels by the rules that the search started from, by the rules found, and by the most frequent grade. */
  before: count,
  after: count,
  majority: count,
  /** Identifies the rules found, because edited rules have another hash. */
  hash: v.string(),
});
export type Finding = v.InferOutput<typeof FindingSchema>;

/** A rule as it is shown. */
export const RuleLineSchema = v.strictObject({
  id: v.string(),
  criterion: v.string(),
  /** A sentence. */
  text: v.string(),
  /** The highest label that it leaves a pair. */
  cap: count,
  /** Graded pairs whose label it decides, and those of them whose grade is another; null without graded pairs. */
  measured: v.nullable(v.strictObject({ decides: count, wrong: count })),
});
export type RuleLine = v.InferOutput<typeof RuleLineSchema>;

export const ShownRulesSchema = v.strictObject({
  name: v.string(),
  /** The labels of their scale, worst first. */
  labelNames: v.array(v.string()),
  /** In the order of the instruction. */
  lines: v.array(RuleLineSchema),
  /** The instruction as text, which can be edited. */
  text: v.string(),
  /** What scores by these rules are known by. */
  hash: v.string(),
  /** On all graded pairs; null without any. */
  measured: v.nullable(v.strictObject({ pairs: count, right: count, undecided: count })),
  finding: v.nullable(FindingSchema),
  /** On the queries to report on, where the rules found were edited since; null otherwise. */
  edited: v.nullable(v.strictObject({ pairs: count, right: count })),
  /** The file that the rules were read from. */
  read: v.nullable(v.strictObject({ name: v.string(), isLexiconInduced: v.boolean() })),
});
export type ShownRules = v.InferOutput<typeof ShownRulesSchema>;

/** The rules of a file, and the judgments that there are to find some in. */
export const RulesStateSchema = v.strictObject({
  judged: PartSchema,
  rules: v.nullable(ShownRulesSchema),
  /** Whether a change can be taken back. */
  canUndo: v.boolean(),
});
export type RulesState = v.InferOutput<typeof RulesStateSchema>;

/** The longest text of an instruction. */
const MAX_TEXT = 2 ** 20;

/** What is asked of the rules of the open file. */
export const RulesRequestSchema = v.variant('kind', [
  /** To see them. */
  v.strictObject({ kind: v.literal('look') }),
  /** To find some in the grades of the file. */
  v.strictObject({ kind: v.literal('find') }),
  v.strictObject({ kind: v.literal('edit'), edit: editSchema }),
  /** To replace the instruction by one that was edited as text. */
  v.strictObject({ kind: v.literal('text'), text: v.pipe(v.string(), v.maxLength(MAX_TEXT)) }),
  /** To read them from an instruction, as JSON or text, and if there is one its lexicon. */
  v.strictObject({
    kind: v.literal('read'),
    files: v.pipe(
      v.array(v.strictObject({ name: v.string(), blob: v.instance(Blob) })),
      v.minLength(1),
      v.maxLength(2, 'an instruction, and at most a lexicon beside it'),
    ),
  }),
  /** To take the last change back. */
  v.strictObject({ kind: v.literal('undo') }),
  v.strictObject({ kind: v.literal('discard') }),
]);
export type RulesRequest = v.InferOutput<typeof RulesRequestSchema>;

/** How far the search for rules is. */
export const RulesProgressSchema = v.strictObject({
  ...PartsSchema.entries,
  /** The last round; null before the first has ended. */
  round: v.nullable(
    v.strictObject({
      round: count,
      rules: count,
      /** Shares of right labels on the pairs to propose on, and on those to accept by. */
      propose: v.number(),
      accept: v.number(),
      tried: count,
      kept: count,
    }),
  ),
});
export type RulesProgress = v.InferOutput<typeof RulesProgressSchema>;

/** The files that rules are carried away as. */
export type RulesPart = 'instruction' | 'lexicon';
