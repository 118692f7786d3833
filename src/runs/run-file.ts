/**
 * A training run in one safetensors file, for any kind of run: weights under their own names, the optimizer's two
 * moments, in mixed precision the loss scale, the rest as JSON, and the SHA-256 of all of it, because a flipped bit in
 * a weight looks like a weight.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { readSafetensors, type TensorData as NamedTensor, writeSafetensors } from '../checkpoint/safetensors.ts';
import { hexOf } from '../checkpoint/sha256.ts';
import { LabError } from '../common/errors.ts';
import type { TensorData } from '../model/weights.ts';
import type { AdamWState } from '../optim/adamw.ts';

const FIRST_MOMENT = 'optimizer.first_moment';
const SECOND_MOMENT = 'optimizer.second_moment';
/** `[3]`: scale, good updates since it changed, updates skipped. */
const LOSS_SCALE = 'optimizer.loss_scale';
/** `[bytes]`: the file of vectors of the run's start, so that a model from a checkpoint reads the same prompts. */
const VECTORS = 'start.vectors';
/** The entry of the metadata with the digest of everything else; missing in old files. */
const DIGEST = 'sha256';

/**
 * The bytes of a run.
 *
 * @param metadata - everything that fits into JSON
 * @param texts - further metadata entries, for the readers that know them
 * @param vectors - the file of vectors of the model, if its prompts show similarities of meaning
 * @throws {LabError} `not-finite` for a run that has diverged, so that the checkpoint before it stays the last one
 */
export function writeRunFile(
  metadata: object,
  weights: ReadonlyMap<string, TensorData>,
  { firstMoment, secondMoment, lossScale }: AdamWState,
  texts: Readonly<Record<string, string>> = {},
  vectors?: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const optimizer = new Map([
    [FIRST_MOMENT, firstMoment],
    [SECOND_MOMENT, secondMoment],
  ]);
  if (lossScale !== undefined) {
    optimizer.set(LOSS_SCALE, Float32Array.of(lossScale.scale, lossScale.good, lossScale.skipped));
  }
  const moments = [...optimizer].map(([name, data]) => [name, { shape: [data.length], data }] as const);
  const numbers = [...weights, ...moments].map(([name, { shape, data }]) => {
    return { name, dtype: 'F32' as const, shape, data };
  });
  const broken = numbers.find(({ data }) => !data.every(Number.isFinite));
  if (broken !== undefined) throw diverged(broken.name);
  const file = { name: VECTORS, dtype: 'U8' as const };
  const tensors: NamedTensor[] =
    vectors === undefined ? numbers : [...numbers, { ...file, shape: [vectors.length], data: vectors }];
  const all = new Map([...Object.entries(texts), ['run', JSON.stringify(metadata)]]);
  return writeSafetensors(tensors, new Map([...all, [DIGEST, digestOf(tensors, all)]]));
}

/** The SHA-256 of tensors and texts in the order of their names. */
function digestOf(tensors: Iterable<NamedTensor>, texts: ReadonlyMap<string, string>): string {
  const hash = sha256.create();
  const encoder = new TextEncoder();
  const named = [...texts].filter(([name]) => name !== DIGEST).toSorted(([a], [b]) => (a < b ? -1 : 1));
  hash.update(encoder.encode(JSON.stringify(named)));
  for (const { name, shape, data } of [...tensors].toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(encoder.encode(JSON.stringify([name, shape])));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hexOf(hash.digest());
}

/**
 * The contents of a file of {@link writeRunFile}.
 *
 * @param readMetadata - checks the parsed JSON; null where there is none
 * @throws {LabError} `bad-file` if it is not a complete safetensors file, `bad-checkpoint` if it has changed since it
 *   was written or its moments do not fit its weights; what `readMetadata` throws
 */
export function readRunFile<Metadata>(
  bytes: Uint8Array,
  readMetadata: (metadata: unknown) => Metadata,
): {
  readonly metadata: Metadata;
  readonly weights: ReadonlyMap<string, TensorData>;
  /** The optimizer's state without its step. */
  readonly moments: Omit<AdamWState, 'step'>;
  /** As they were written. */
  readonly vectors: Uint8Array | undefined;
} {
  const { metadata: texts, tensors } = readSafetensors(bytes);
  const metadata = readMetadata(runMetadata(texts));
  const wanted = texts.get(DIGEST);
  if (wanted !== undefined) {
    const got = digestOf(tensors.values(), texts);
    if (got !== wanted)
      throw unusable('it has changed since it was written', `SHA-256 ${wanted.slice(0, 12)}`, got.slice(0, 12));
  }
  const vectors = tensors.get(VECTORS)?.data.slice();
  const weights = new Map(
    [...tensors].flatMap(([name, stored]) =>
      name === VECTORS ? [] : [[name, { shape: stored.shape, data: stored.toFloat32() }] as const],
    ),
  );
  const firstMoment = weights.get(FIRST_MOMENT)?.data;
  const secondMoment = weights.get(SECOND_MOMENT)?.data;
  if (firstMoment === undefined || secondMoment === undefined) {
    throw new LabError('bad-checkpoint', {
      message: 'The checkpoint has no optimizer state.',
      expected: `the tensors ${FIRST_MOMENT} and ${SECOND_MOMENT}`,
      fix: 'A model folder cannot be resumed; use the checkpoint.safetensors of the run.',
    });
  }
  const lossScale = weights.get(LOSS_SCALE)?.data;
  for (const name of [FIRST_MOMENT, SECOND_MOMENT, LOSS_SCALE]) weights.delete(name);
  const parameters = [...weights.values()].reduce((sum, { data }) => sum + data.length, 0);
  for (const { length } of [firstMoment, secondMoment]) {
    if (length !== parameters)
      throw unusable('its moments are those of other weights', `${parameters} numbers`, `${length}`);
  }
  if (lossScale === undefined) return { metadata, weights, moments: { firstMoment, secondMoment }, vectors };
  const [scale = NaN, good = NaN, skipped = NaN] = lossScale;
  return { metadata, weights, moments: { firstMoment, secondMoment, lossScale: { scale, good, skipped } }, vectors };
}

/** @throws {LabError} `bad-checkpoint` if a run is further than it was to go */
export function checkStep(step: number, steps: number): void {
  if (step > steps) throw unusable('it is past the end of its run', `at most step ${steps}`, `${step}`);
}

function diverged(tensor: string): LabError {
  return new LabError('not-finite', {
    message: `The run has diverged: ${tensor} holds numbers that are not finite.`,
    fix: 'What was saved before is kept. Continue from there with a lower learning rate.',
  });
}

function unusable(problem: string, expected: string, got: string): LabError {
  return new LabError('bad-checkpoint', {
    message: `The checkpoint cannot be used: ${problem}.`,
    expected,
    got,
    fix: 'Take another copy of it, or train again from the start.',
  });
}

/**
 * Metadata of version 1, whose data were always a rule world, converted to the present version; other metadata
 * unchanged.
 *
 * @param added - the entries that version 1 lacks, including the present version number
 */
export function upgradedFromWorld(metadata: unknown, added: Readonly<Record<string, unknown>>): unknown {
  if (typeof metadata !== 'object' || metadata === null) return metadata;
  if (!('schemaVersion' in metadata) || metadata.schemaVersion !== 1 || !('worldHash' in metadata)) return metadata;
  const { worldHash, ...others } = metadata;
  return { ...others, ...added, dataHash: worldHash };
}

/** The file of vectors in a run file; undefined if it has none. @throws {LabError} `bad-file` */
export function vectorsOfRun(bytes: Uint8Array): Uint8Array | undefined {
  return readSafetensors(bytes).tensors.get(VECTORS)?.data.slice();
}

/** What a run file says beside its tensors; null if nothing of it is readable. @param texts - of its header */
export function runMetadata(texts: ReadonlyMap<string, string>): unknown {
  try {
    return JSON.parse(texts.get('run') ?? 'null') as unknown;
  } catch {
    return null; // the schema reports what was expected
  }
}
