/**
 * What a file has taught a model: the data of the lesson, the run that learned it, and how the model that came of it
 * compares with the one before. The thread of the Files view keeps it with the file.
 */
import * as v from 'valibot';
import { ModelChoiceSchema } from './model-choice.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const MeasuredSchema = v.strictObject({
  value: v.nullable(v.number()),
  low: v.optional(v.number()),
  high: v.optional(v.number()),
});
const ComparedSchema = v.strictObject({ accuracy: MeasuredSchema, qwk: MeasuredSchema, ndcg10: MeasuredSchema });

/** Two models on the same held-out pairs; differences are after minus before, by a paired bootstrap over queries. */
export const ModelComparisonSchema = v.strictObject({
  queries: count,
  pairs: count,
  /** Whether there are too few queries for more than a first impression. */
  isPreliminary: v.boolean(),
  before: ComparedSchema,
  after: ComparedSchema,
  difference: ComparedSchema,
});
export type ModelComparison = v.InferOutput<typeof ModelComparisonSchema>;

/** A lesson, and how far it came. */
export const LearningSchema = v.strictObject({
  /** Of the run, and of the model that comes of it. */
  runId: v.string(),
  name: v.string(),
  /** The model that the run continues. */
  from: ModelChoiceSchema,
  fromName: v.string(),
  /** What is learned from. */
  pairs: count,
  queries: count,
  /** The queries that are held out, normalised. */
  heldOut: v.array(v.string()),
  /** The model after the last step; null before. */
  checkpointId: v.nullable(v.string()),
  comparison: v.nullable(ModelComparisonSchema),
});
export type Learning = v.InferOutput<typeof LearningSchema>;

/** The pairs of a file with grades and corrections, as a data set to train on. */
export const LessonSchema = v.strictObject({
  learning: LearningSchema,
  file: v.strictObject({ name: v.string(), blob: v.instance(Blob) }),
  /** The meanings of its grades (grade-meanings.ts). */
  grades: v.string(),
});
export type Lesson = v.InferOutput<typeof LessonSchema>;
