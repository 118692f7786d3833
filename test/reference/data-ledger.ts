/**
 * The bytes that a backend really holds. tfjs counts a reshaped tensor as a second copy; this ledger follows the data
 * itself as kernels of the cpu and the wasm backend allocate and free it.
 */
import * as tf from '@tensorflow/tfjs-core';

type Write = (values: unknown, shape: number[], dtype: string) => object;
type DisposeData = (dataId: object, force?: boolean) => boolean;

/** Watches the current backend, which must be `cpu` or `wasm`, until {@link stop}. */
export class DataLedger {
  peakBytes = 0;
  readonly stop: () => void;
  #liveBytes = 0;

  constructor() {
    const backend = tf.backend() as unknown as { write: Write; disposeData: DisposeData };
    const sizes = new Map<object, number>();
    const write = backend.write.bind(backend);
    const disposeData = backend.disposeData.bind(backend);
    backend.write = (values, shape, dtype) => {
      const dataId = write(values, shape, dtype);
      const bytes = 4 * shape.reduce((product, size) => product * size, 1);
      sizes.set(dataId, bytes);
      this.#liveBytes += bytes;
      this.peakBytes = Math.max(this.peakBytes, this.#liveBytes);
      return dataId;
    };
    backend.disposeData = (dataId, force) => {
      const isGone = disposeData(dataId, force);
      if (isGone) {
        this.#liveBytes -= sizes.get(dataId) ?? 0;
        sizes.delete(dataId);
      }
      return isGone;
    };
    this.stop = () => {
      backend.write = write;
      backend.disposeData = disposeData;
    };
  }

  /** Counts the peak from now on. */
  resetPeak(): void {
    this.peakBytes = this.#liveBytes;
  }
}
