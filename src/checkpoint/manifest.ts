/**
 * Manifests: the metadata of checkpoints. A manifest has the lineage of a checkpoint and the chunks of its payload;
 * only the code that wrote the payload, identified by `kind`, can interpret it. Manifests are small, so that listing a
 * hundred checkpoints reads no payloads.
 *
 * A manifest is parsed whenever it is read from the database or a file, because both outlive the code that wrote them.
 */
import * as v from 'valibot';
import { hexOf } from './sha256.ts';

/** The most bytes of a chunk, small enough that copying, hashing and writing it blocks nothing else. */
export const CHUNK_BYTES = 8 * 2 ** 20;
/** The most bytes of a checkpoint; every browser can hold this many in one array. */
export const MAX_CHECKPOINT_BYTES = 2 ** 31;
/** The most characters of a name. */
export const MAX_NAME_LENGTH = 200;
const MAX_NOTE_LENGTH = 10_000;
const MAX_CONFIG_LENGTH = 1_000_000;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Milliseconds since 1970, up to the latest date of JavaScript. */
export const TimeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(8.64e15));
const shortText = v.pipe(v.string(), v.maxLength(MAX_NAME_LENGTH));
const sizeOfChunk = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(CHUNK_BYTES));

/** The name of a checkpoint; unique within a store. */
export const NameSchema = v.pipe(v.string(), v.trim(), v.nonEmpty(), v.maxLength(MAX_NAME_LENGTH));
export const NoteSchema = v.pipe(v.string(), v.maxLength(MAX_NOTE_LENGTH));
/** The format of an id; the store makes 32 hexadecimal digits. */
export const IdSchema = v.pipe(
  v.string(),
  v.regex(/^[\w-]{1,64}$/u, 'Invalid id: 1 to 64 letters, digits, "-" or "_"'),
);
/** Settings as JSON text, stored verbatim. */
export const ConfigJsonSchema = v.pipe(
  v.string(),
  v.maxLength(MAX_CONFIG_LENGTH),
  v.check(isJson, 'Invalid JSON: expected the JSON text of a config'),
);

/** The caller's part of a manifest. */
export const CheckpointInfoSchema = v.strictObject({
  name: NameSchema,
  note: v.optional(NoteSchema, ''),
  /** Identifies the code that reads the payload, such as `sft`. */
  kind: v.pipe(shortText, v.nonEmpty()),
  /** Saved by a run in progress, so retention may delete it. Naming or annotating a checkpoint makes this false. */
  isAutomatic: v.boolean(),
  /** The run that saved it. */
  runId: v.nullable(IdSchema),
  /** The checkpoint that the run continued from; it may have been deleted since. */
  parentId: v.nullable(IdSchema),
  modelName: shortText,
  /** The version of the training data: that of a rule world, or the SHA-256 of an imported data set. */
  worldHash: shortText,
  /** Updates made. */
  step: count,
  configJson: ConfigJsonSchema,
});
export type CheckpointInfo = v.InferOutput<typeof CheckpointInfoSchema>;
export type CheckpointInfoInput = v.InferInput<typeof CheckpointInfoSchema>;

/** A piece of a payload. */
export const ChunkInfoSchema = v.strictObject({
  sizeBytes: sizeOfChunk,
  /** 64 hexadecimal digits. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u, 'Invalid SHA-256: expected 64 hexadecimal digits')),
});
export type ChunkInfo = v.InferOutput<typeof ChunkInfoSchema>;

/** A chunk to be written. Its hash is known if the payload has been saved before. */
export type PlannedChunk = Pick<ChunkInfo, 'sizeBytes'> & { readonly sha256?: string };

/** A saved checkpoint without its payload. */
export const ManifestSchema = v.pipe(
  v.strictObject({
    ...CheckpointInfoSchema.entries,
    id: IdSchema,
    /** An import keeps the time of the original. */
    createdAt: TimeSchema,
    sizeBytes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_CHECKPOINT_BYTES)),
    /** The payload is their concatenation. */
    chunks: v.array(ChunkInfoSchema),
  }),
  v.check(
    ({ sizeBytes, chunks }) => sizeBytes === chunks.reduce((sum, chunk) => sum + chunk.sizeBytes, 0),
    'Invalid size: sizeBytes must be the sum of the chunks',
  ),
);
export type Manifest = v.InferOutput<typeof ManifestSchema>;

/** Parses a manifest; returns a one-line description of the problem if it is not valid. */
export function readManifest(value: unknown): Manifest | string {
  const result = v.safeParse(ManifestSchema, value);
  if (result.success) return result.output;
  return firstProblem('manifest', result.issues);
}

/** A one-line description of the first problem of a record, with its path. */
export function firstProblem(record: string, [issue]: readonly [v.BaseIssue<unknown>, ...unknown[]]): string {
  return `${v.getDotPath(issue) ?? record}: ${issue.message}`;
}

/**
 * An id for a checkpoint or a run, unique across stores because files move between them. It is drawn from the browser's
 * random source and not from a seed, because a repeated run must not repeat its ids.
 */
export function newId(): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(16)));
}

/** `name` if it is free, else with the first free number: "best", "best (2)", "best (3)". */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  const [, stem = name] = /^(.*) \(\d+\)$/su.exec(name) ?? [];
  for (let number = 2; ; number++) {
    const suffix = ` (${number})`;
    const candidate = stem.slice(0, MAX_NAME_LENGTH - suffix.length).trimEnd() + suffix;
    if (!taken.has(candidate)) return candidate;
  }
}

/**
 * The automatic checkpoints of one run that retention deletes: all but the `keepLast` newest. Never one that a person
 * has named or annotated, nor the one just saved, even if the clock was set back.
 */
export function surplusOf(
  ofRun: readonly Manifest[],
  justSavedId: string,
  keepLast: number,
  keptId?: string | null,
): Manifest[] {
  const automatic = ofRun.filter(({ isAutomatic }) => isAutomatic);
  const others = automatic.filter(({ id }) => id !== justSavedId).toSorted(newestFirst);
  const othersKept = keepLast - (automatic.length - others.length);
  return others.slice(othersKept).filter(({ id }) => id !== keptId);
}

/** Sort order of lists. */
export function newestFirst(a: Manifest, b: Manifest): number {
  return b.createdAt - a.createdAt || b.step - a.step;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
