/**
 * The peers of the training benchmark: implementations that train the decoder of a work one optimizer step at a time.
 */

/** One implementation, loaded with a work. */
export interface Peer {
  /** Its key in the report. */
  readonly name: 'ours' | 'composites' | 'tfjs' | 'jaxjs';
  /**
   * Forward, backward and update on the work's batch. Resolves after the update has been computed, not only queued.
   *
   * @returns the loss before the update, in nats
   */
  readonly step: () => Promise<number>;
  /** The GPU device of this peer; undefined on wasm. */
  readonly device: GPUDevice | undefined;
  readonly dispose: () => Promise<void>;
}
