/**
 * What training keeps besides numbers that fit into JSON: weights under their own names and the optimizer's two moments,
 * as tensors of one safetensors file.
 */
import type { readSafetensors } from '../checkpoint/safetensors.ts';
import { LabError } from '../common/errors.ts';
import type { TensorData } from '../model/weights.ts';
import type { AdamWState } from '../optim/adamw.ts';

const FIRST_MOMENT = 'optimizer.first_moment';
const SECOND_MOMENT = 'optimizer.second_moment';

/** A float32 tensor as a safetensors file takes it. */
interface StoredTensor {
  readonly name: string;
  readonly dtype: 'F32';
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The tensors of a run. */
export function runTensors(weights: ReadonlyMap<string, TensorData>, optimizer: AdamWState): StoredTensor[] {
  const vector = (name: string, data: Float32Array): StoredTensor => tensor(name, [data.length], data);
  return [
    ...[...weights].map(([name, { shape, data }]) => tensor(name, shape, data)),
    vector(FIRST_MOMENT, optimizer.firstMoment),
    vector(SECOND_MOMENT, optimizer.secondMoment),
  ];
}

/**
 * The weights and moments in a file's tensors.
 *
 * @throws {LabError} `bad-checkpoint` if the moments are missing
 */
export function readRunTensors({ tensors }: Pick<ReturnType<typeof readSafetensors>, 'tensors'>): {
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly moments: Pick<AdamWState, 'firstMoment' | 'secondMoment'>;
} {
  const weights = new Map(
    [...tensors].map(([name, stored]) => [name, { shape: stored.shape, data: stored.toFloat32() }]),
  );
  const firstMoment = weights.get(FIRST_MOMENT)?.data;
  const secondMoment = weights.get(SECOND_MOMENT)?.data;
  if (firstMoment === undefined || secondMoment === undefined) {
    throw new LabError('bad-checkpoint', {
      message: 'The checkpoint has no optimizer state.',
      expected: `the tensors ${FIRST_MOMENT} and ${SECOND_MOMENT}`,
      fix: 'A model folder cannot be resumed; use the checkpoint of the run.',
    });
  }
  weights.delete(FIRST_MOMENT);
  weights.delete(SECOND_MOMENT);
  return { weights, moments: { firstMoment, secondMoment } };
}

function tensor(name: string, shape: readonly number[], data: Float32Array): StoredTensor {
  return { name, dtype: 'F32', shape, data };
}
