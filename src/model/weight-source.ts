/**
 * Where weights are read from, one tensor or some of its rows at a time: names and shapes are known beforehand, and
 * memory never holds more than a part. Files of Hugging Face (safetensors-weights.ts) and of llama.cpp
 * (gguf-weights.ts) are such sources; load-streamed.ts puts them on the backend.
 */
import type { QuantisedBits, QuantisedData } from '../checkpoint/quantised.ts';
import type { TensorData } from './weights.ts';

/** A tensor before it is read. */
export interface SourceTensor {
  /** Linear maps are `[out,in]`. */
  readonly shape: readonly number[];
  /** Bytes in the file, scales included. */
  readonly storedBytes: number;
  /** For a matrix stored as integers that the lab keeps as they are; undefined for everything else. */
  readonly bits?: QuantisedBits | undefined;
}

/** Rows from the first (inclusive) to the last (exclusive). */
export type RowRange = readonly [first: number, end: number];

/** The weights of a model in files that stay open. */
export interface WeightSource {
  /** By Hugging Face name; tensors that a model needs not are left out, unknown ones keep their name. */
  readonly tensors: ReadonlyMap<string, SourceTensor>;
  /**
   * Reads a tensor, or some rows of a matrix.
   *
   * @param rows - default: all
   * @returns integers only where `bits` promises them; they may be floats nevertheless, if they do not fit exactly
   * @throws {LabError} `not-found` for another name; `bad-file` if the file cannot be read
   */
  read(name: string, rows?: RowRange): Promise<TensorData | QuantisedData>;
}
