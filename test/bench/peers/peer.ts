/**
 * What a benchmark compares: a way to train the decoder of a work, one optimizer step at a time.
 */

/** One implementation, loaded with a work. */
export interface Peer {
  /** Its key in the report. */
  readonly name: 'ours' | 'tfjs' | 'jaxjs';
  /**
   * Forward, backward and update on the work's batch. Resolves when the update has been computed, not merely queued.
   *
   * @returns the loss before the update, in nats
   */
  readonly step: () => Promise<number>;
  /** The GPU device that it alone uses; undefined on wasm. */
  readonly device: GPUDevice | undefined;
  /** Frees what it holds. */
  readonly dispose: () => Promise<void>;
}
