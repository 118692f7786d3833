/**
 * What the store knows about a checkpoint: a manifest. It says where the checkpoint comes from (its lineage) and how its
 * payload is cut into chunks; what the payload means is known only to whoever wrote it, by `kind`. Manifests are small,
 * so that listing a hundred checkpoints reads none of their payloads.
 *
 * A manifest is parsed whenever it is read, from the database or from a file: both outlive the code that wrote them.
 */
import * as v from 'valibot';
import { hexOf } from './sha256.ts';

/** The most bytes of one chunk: small enough to be copied, hashed and written without holding up anything else. */
export const CHUNK_BYTES = 8 * 2 ** 20;
/** The most bytes of one checkpoint; every browser can hold as much in one array. */
export const MAX_CHECKPOINT_BYTES = 2 ** 31;
/** The most characters of a name. */
export const MAX_NAME_LENGTH = 200;
const MAX_NOTE_LENGTH = 10_000;
const MAX_CONFIG_LENGTH = 1_000_000;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Milliseconds since 1970, up to the last that JavaScript has a date for. */
export const TimeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(8.64e15));
const shortText = v.pipe(v.string(), v.maxLength(MAX_NAME_LENGTH));
const sizeOfChunk = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(CHUNK_BYTES));

/** The name of a checkpoint; unique in a store, so that people can tell checkpoints apart. */
export const NameSchema = v.pipe(v.string(), v.trim(), v.nonEmpty(), v.maxLength(MAX_NAME_LENGTH));
export const NoteSchema = v.pipe(v.string(), v.maxLength(MAX_NOTE_LENGTH));
/** What an id may look like; the store makes 32 hexadecimal digits. */
export const IdSchema = v.pipe(
  v.string(),
  v.regex(/^[\w-]{1,64}$/u, 'Invalid id: 1 to 64 letters, digits, "-" or "_"'),
);
/** Settings as JSON text: kept to the letter, never interpreted. */
export const ConfigJsonSchema = v.pipe(
  v.string(),
  v.maxLength(MAX_CONFIG_LENGTH),
  v.check(isJson, 'Invalid JSON: expected the JSON text of a config'),
);

/** What the one who saves a checkpoint says about it. */
export const CheckpointInfoSchema = v.strictObject({
  name: NameSchema,
  note: v.optional(NoteSchema, ''),
  /** Which code reads the payload, such as `sft`. */
  kind: v.pipe(shortText, v.nonEmpty()),
  /** Saved by a run on its way: retention may drop it. Naming or annotating a checkpoint makes this false. */
  isAutomatic: v.boolean(),
  /** The run that made it. */
  runId: v.nullable(IdSchema),
  /** The checkpoint that the run went on from; it may have been deleted since. */
  parentId: v.nullable(IdSchema),
  modelName: shortText,
  /** The version of the data learned from: of a rule world, or the SHA-256 of an imported data set. */
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

/** A chunk that is to be written; its hash is known where the payload has been saved before. */
export type PlannedChunk = Pick<ChunkInfo, 'sizeBytes'> & { readonly sha256?: string };

/** A saved checkpoint without its payload. */
export const ManifestSchema = v.pipe(
  v.strictObject({
    ...CheckpointInfoSchema.entries,
    id: IdSchema,
    /** An import keeps that of the original. */
    createdAt: TimeSchema,
    sizeBytes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_CHECKPOINT_BYTES)),
    /** The payload is these, one after the other. */
    chunks: v.array(ChunkInfoSchema),
  }),
  v.check(
    ({ sizeBytes, chunks }) => sizeBytes === chunks.reduce((sum, chunk) => sum + chunk.sizeBytes, 0),
    'Invalid size: sizeBytes must be the sum of the chunks',
  ),
);
export type Manifest = v.InferOutput<typeof ManifestSchema>;

/** The manifest in `value`, or what is wrong with it in one line. */
export function readManifest(value: unknown): Manifest | string {
  const result = v.safeParse(ManifestSchema, value);
  if (result.success) return result.output;
  return firstProblem('manifest', result.issues);
}

/** What is wrong with a record, in one line that names the place in it. */
export function firstProblem(record: string, [issue]: readonly [v.BaseIssue<unknown>, ...unknown[]]): string {
  return `${v.getDotPath(issue) ?? record}: ${issue.message}`;
}

/**
 * An id for a checkpoint or a run, unique among all stores, since files travel between them. It comes from the
 * browser's own source and not from a seed: a repeated run must not repeat its ids.
 */
export function newId(): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(16)));
}

/** `name` if it is free, else with the first number that makes it so: "best", "best (2)", "best (3)". */
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
 * The automatic checkpoints of one run that retention drops: all but the `keepLast` newest. Never one that a person
 * named or annotated, nor the one just saved, even where the clock has been set back.
 */
export function surplusOf(ofRun: readonly Manifest[], justSavedId: string, keepLast: number): Manifest[] {
  const automatic = ofRun.filter(({ isAutomatic }) => isAutomatic);
  const others = automatic.filter(({ id }) => id !== justSavedId).toSorted(newestFirst);
  const othersKept = keepLast - (automatic.length - others.length);
  return others.slice(othersKept);
}

/** The order of lists. */
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
