/**
 * The array type of the references: double precision, row-major, bounds-checked.
 *
 * The references in this folder are oracles. They are written for reading, not for speed: plain loops over
 * `Float64Array`, no tensor library, nothing shared with the code they judge. An index out of range throws, since an
 * oracle that silently reads `undefined` as a number would judge nothing.
 */
import { LabError } from '../../src/common/errors.ts';

/** A row-major array of doubles. */
export interface Tensor64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/**
 * An array of the given shape; zeros unless `values` are given, which are copied and widened.
 *
 * @throws {LabError} `bad-shape` if the values do not fill the shape.
 */
export function tensor64(shape: readonly number[], values?: ArrayLike<number>): Tensor64 {
  const size = sizeOf(shape);
  if (values !== undefined && values.length !== size) {
    throw new LabError('bad-shape', {
      message: 'The values of a reference tensor do not fill its shape.',
      expected: `${size} values for [${shape.join(', ')}]`,
      got: `${values.length}`,
    });
  }
  return { shape, data: values === undefined ? new Float64Array(size) : Float64Array.from(values) };
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * The size of one axis; negative axes count from the end.
 *
 * @throws {LabError} `bad-shape` if there is no such axis.
 */
export function axisOf(x: Tensor64, axis: number): number {
  const size = x.shape.at(axis);
  if (size === undefined) throw outOfRange(`axis ${axis} of [${x.shape.join(', ')}]`);
  return size;
}

/**
 * The rows along the last axis, as views into `x`: writing to a row writes to the tensor.
 */
export function rowsOf(x: Tensor64): Float64Array[] {
  const width = axisOf(x, -1);
  return Array.from({ length: x.data.length / width }, (_, row) => x.data.subarray(row * width, (row + 1) * width));
}

/**
 * The element at `index` of a list.
 *
 * @throws {LabError} `bad-shape` if it lies outside.
 */
export function at<T>(list: { readonly length: number; readonly [index: number]: T }, index: number): T {
  const value = list[index];
  if (value === undefined) throw outOfRange(`index ${index} of ${list.length}`);
  return value;
}

/** The inner product of two rows of equal length. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw outOfRange(`a product of rows of ${a.length} and ${b.length}`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += at(a, i) * at(b, i);
  return sum;
}

/** The element-wise sum of two tensors of one shape. */
export function add(a: Tensor64, b: Tensor64): Tensor64 {
  return zipWith(a, b, (x, y) => x + y);
}

/** A tensor whose elements are `combine` of the elements of two tensors of one shape. */
export function zipWith(a: Tensor64, b: Tensor64, combine: (x: number, y: number) => number): Tensor64 {
  if (a.shape.join() !== b.shape.join()) throw outOfRange(`pairs of [${a.shape.join()}] and [${b.shape.join()}]`);
  return { shape: a.shape, data: a.data.map((x, i) => combine(x, at(b.data, i))) };
}

function outOfRange(what: string): LabError {
  return new LabError('bad-shape', { message: `A reference was asked for ${what}, which does not exist.` });
}
