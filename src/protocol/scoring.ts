/**
 * The boundary between the page and the worker that answers. Everything that crosses it is a plain value with a schema,
 * parsed on arrival on either side; a message is never trusted because of its type.
 *
 * An answer is a stream of events in a fixed order: first one `label`, as soon as the prompt has been read; then `text`
 * and `step` while the model writes its reasoning; finally exactly one `done` or `failed`. A cancelled answer ends with
 * `failed` and the code `aborted`.
 *
 * Room `protocol/`: what crosses threads and files, with schemas parsed on arrival. The page imports the engine's types
 * from here only, so nothing in this room may import the engine.
 */
import * as v from 'valibot';
import { DECODINGS } from '../config/decoding.ts';
import { DOCUMENT_FIELDS } from '../relevance/pair/pair.ts';
import { CRITERIA, EVIDENCE_SOURCES, VERDICTS } from '../relevance/pair/vocabulary.ts';
import { FailureSchema } from './failure.ts';
import type { Inside } from './inside.ts';

/** The backends a model can run on, fastest first; `auto` takes the first that works. */
export const BACKEND_CHOICES = ['auto', 'webgpu', 'wasm', 'cpu'] as const;
export type BackendChoice = (typeof BACKEND_CHOICES)[number];

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const probability = v.pipe(v.number(), v.minValue(0), v.maxValue(1.000001));
/** Milliseconds. */
const duration = v.pipe(v.number(), v.minValue(0));

/** The value of a document attribute as it crosses threads, files and the command line. */
export const AttributeValueSchema = v.union([
  v.string(),
  v.number(),
  v.boolean(),
  v.pipe(v.array(v.string()), v.readonly()),
]);

/** The standing of a document among those of its query, where the whole list is known. */
const StandingSchema = v.strictObject({
  coverage: v.number(),
  score: v.number(),
  relative: v.number(),
  rank: v.pipe(v.number(), v.integer(), v.minValue(1)),
});

const MeaningSchema = v.strictObject({ title: v.number(), passage: v.number(), gap: v.exactOptional(v.number()) });

/** A pair as it crosses threads. */
export const PairSchema = v.strictObject({
  query: v.string(),
  document: v.strictObject({
    docId: v.string(),
    title: v.string(),
    brand: v.string(),
    type: v.string(),
    attributes: v.record(v.string(), AttributeValueSchema),
    text: v.string(),
  }),
  standing: v.exactOptional(StandingSchema),
  meaning: v.exactOptional(MeaningSchema),
});

/** The files of a model folder, by name. */
export const ModelFilesSchema = v.record(v.string(), v.instance(Uint8Array<ArrayBuffer>));
export type ModelFiles = v.InferOutput<typeof ModelFilesSchema>;

/** Which model to load, and where it should run. */
export const LoadRequestSchema = v.strictObject({
  source: v.variant('kind', [
    /** A folder of the page's own origin: an absolute URL with a trailing slash. */
    v.strictObject({ kind: v.literal('url'), modelUrl: v.pipe(v.string(), v.url(), v.endsWith('/')) }),
    /** Files already in memory; their ownership is transferred. */
    v.strictObject({ kind: v.literal('files'), files: ModelFilesSchema }),
  ]),
  backend: v.optional(v.picklist(BACKEND_CHOICES), 'auto'),
});
export type LoadRequest = v.InferOutput<typeof LoadRequestSchema>;

/** The pair to answer. Without `reason` the answer ends after its label. */
export const AnswerRequestSchema = v.strictObject({
  pair: PairSchema,
  reason: v.optional(v.boolean(), true),
  /** What the reasoning is held to, default its pair where the model has rules. */
  decoding: v.optional(v.picklist(DECODINGS)),
});
export type AnswerRequest = v.InferOutput<typeof AnswerRequestSchema>;

/** The progress of loading. `totalBytes` is null while it is unknown. */
export const LoadProgressSchema = v.strictObject({
  stage: v.picklist(['backend', 'files', 'warm-up']),
  receivedBytes: count,
  totalBytes: v.nullable(count),
});
export type LoadProgress = v.InferOutput<typeof LoadProgressSchema>;

/** A loaded model, as the page shows it. */
export const ModelSummarySchema = v.strictObject({
  name: v.string(),
  backend: v.picklist(['webgpu', 'wasm', 'cpu']),
  /** Why this backend, in one sentence. */
  backendReason: v.string(),
  parameters: count,
  /** The labels of its scale, worst first, with a rubric line each. */
  scale: v.strictObject({ names: v.array(v.string()), rubric: v.array(v.string()) }),
  /** Whether it has rules to cite; a model without rules has learned labels only. */
  givesReasons: v.boolean(),
  /** Its card in display order; `code` rows are shown in a fixed-width font. */
  card: v.array(v.strictObject({ name: v.string(), value: v.string(), code: v.optional(v.boolean(), false) })),
  /** Example pairs; `name` says in two or three words what an example shows. */
  examples: v.array(v.strictObject({ name: v.string(), pair: PairSchema })),
});
export type ModelSummary = v.InferOutput<typeof ModelSummarySchema>;

/** A range of UTF-16 units in the query, in a field, or in the text of one attribute's value. */
const EvidenceSpanSchema = v.strictObject({
  field: v.picklist(['query', ...DOCUMENT_FIELDS]),
  /** The attribute's name where `field` is `attributes`. */
  attribute: v.optional(v.string()),
  start: count,
  end: count,
});
export type EvidenceSpan = v.InferOutput<typeof EvidenceSpanSchema>;

const LabelEventSchema = v.strictObject({
  kind: v.literal('label'),
  label: count,
  /** Of the R labels, renormalised to sum to 1. */
  probabilities: v.array(probability),
  /** `s = sum_k k p_k`, in [0, R-1]. */
  score: v.number(),
  /** The probability of the R labels in the whole vocabulary. */
  labelMass: probability,
  prefillMs: duration,
  promptTokens: count,
  /** Fields truncated to fit the prompt. */
  cutFields: v.array(v.string()),
});

const StepEventSchema = v.strictObject({
  kind: v.literal('step'),
  index: count,
  step: v.strictObject({
    rule: count,
    criterion: v.picklist(CRITERIA),
    evidence: v.array(v.strictObject({ source: v.picklist(EVIDENCE_SOURCES), text: v.string() })),
    verdict: v.picklist(VERDICTS),
  }),
  /** The result of executing the cited rule on the pair. */
  check: v.picklist(['verified', 'wrong', 'uncheckable']),
  reason: v.string(),
  /** The text of the cited rule. */
  ruleText: v.string(),
  /** The positions of the quoted evidence in the pair. */
  spans: v.array(EvidenceSpanSchema),
});

const DoneEventSchema = v.strictObject({
  kind: v.literal('done'),
  /** The label restated after the reasoning; null where the completion ended before. */
  restated: v.nullable(count),
  /** Whether the completion followed the grammar to the end. */
  complete: v.boolean(),
  /** Whether the verified steps imply the label. */
  agreement: v.picklist(['agrees', 'disagrees', 'unknown']),
  /** Where and how the completion broke the grammar. */
  problem: v.optional(v.string()),
  tokens: count,
  /** Forward passes, the one over the prompt included. */
  passes: count,
  decodeMs: duration,
});

/** One event of an answer. */
export const ScoringEventSchema = v.variant('kind', [
  LabelEventSchema,
  /** A piece of the completion as the model writes it, special tokens included. */
  v.strictObject({ kind: v.literal('text'), text: v.string() }),
  StepEventSchema,
  DoneEventSchema,
  v.strictObject({ kind: v.literal('failed'), ...FailureSchema.entries }),
]);
export type ScoringEvent = v.InferOutput<typeof ScoringEventSchema>;
export type LabelEvent = v.InferOutput<typeof LabelEventSchema>;
export type StepEvent = v.InferOutput<typeof StepEventSchema>;
export type DoneEvent = v.InferOutput<typeof DoneEventSchema>;

/** The worker's API, by comlink. Arguments are unknown until parsed with the schemas above. */
export interface ScoringApi {
  /** Loads a model. Rejects with a code of LabErrorCode as the error's name. */
  load(request: LoadRequest, onProgress: (progress: LoadProgress) => void): Promise<ModelSummary>;
  /** Answers one pair; resolves after the last event. `id` is chosen by the caller, for {@link cancel}. */
  answer(id: number, request: AnswerRequest, emit: (event: ScoringEvent) => void): Promise<void>;
  /**
   * Answers one pair and looks inside; {@link cancel} stops it as well. Rejects with a code of LabErrorCode as the
   * error's name.
   */
  inside(id: number, request: AnswerRequest): Promise<Inside>;
  /** Stops an answer at its next token; an unknown or finished id is ignored. */
  cancel(id: number): Promise<void>;
}
