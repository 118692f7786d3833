/**
 * A training run in one safetensors file, for any kind of run: weights under their own names, the optimizer's two
 * moments, in mixed precision the loss scale, and the rest as JSON.
 */
import { readSafetensors, writeSafetensors } from '../checkpoint/safetensors.ts';
import { LabError } from '../common/errors.ts';
import type { TensorData } from '../model/weights.ts';
import type { AdamWState } from '../optim/adamw.ts';

const FIRST_MOMENT = 'optimizer.first_moment';
const SECOND_MOMENT = 'optimizer.second_moment';
/** `[3]`: scale, good updates since it changed, updates skipped. */
const LOSS_SCALE = 'optimizer.loss_scale';

/**
 * The bytes of a run.
 *
 * @param metadata - everything that fits into JSON
 * @param texts - further metadata entries, for the readers that know them
 */
export function writeRunFile(
  metadata: object,
  weights: ReadonlyMap<string, TensorData>,
  { firstMoment, secondMoment, lossScale }: AdamWState,
  texts: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const optimizer = new Map([
    [FIRST_MOMENT, firstMoment],
    [SECOND_MOMENT, secondMoment],
  ]);
  if (lossScale !== undefined) {
    optimizer.set(LOSS_SCALE, Float32Array.of(lossScale.scale, lossScale.good, lossScale.skipped));
  }
  const vectors = [...optimizer].map(([name, data]) => [name, { shape: [data.length], data }] as const);
  const tensors = [...weights, ...vectors].map(([name, { shape, data }]) => {
    return { name, dtype: 'F32' as const, shape, data };
  });
  return writeSafetensors(tensors, new Map([...Object.entries(texts), ['run', JSON.stringify(metadata)]]));
}

/**
 * The contents of a file of {@link writeRunFile}.
 *
 * @param readMetadata - checks the parsed JSON; null where there is none
 * @throws {LabError} `bad-checkpoint` if it is not a complete safetensors file or has no moments; what `readMetadata`
 *   throws
 */
export function readRunFile<Metadata>(
  bytes: Uint8Array,
  readMetadata: (metadata: unknown) => Metadata,
): {
  readonly metadata: Metadata;
  readonly weights: ReadonlyMap<string, TensorData>;
  /** The optimizer's state without its step. */
  readonly moments: Omit<AdamWState, 'step'>;
} {
  const { metadata: texts, tensors } = readSafetensors(bytes);
  const metadata = readMetadata(runMetadata(texts));
  const weights = new Map(
    [...tensors].map(([name, stored]) => [name, { shape: stored.shape, data: stored.toFloat32() }]),
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
  if (lossScale === undefined) return { metadata, weights, moments: { firstMoment, secondMoment } };
  const [scale = NaN, good = NaN, skipped = NaN] = lossScale;
  return { metadata, weights, moments: { firstMoment, secondMoment, lossScale: { scale, good, skipped } } };
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

/** What a run file says beside its tensors; null if nothing of it is readable. @param texts - of its header */
export function runMetadata(texts: ReadonlyMap<string, string>): unknown {
  try {
    return JSON.parse(texts.get('run') ?? 'null') as unknown;
  } catch {
    return null; // the schema reports what was expected
  }
}
