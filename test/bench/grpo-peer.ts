/**
 * The peers of the reinforcement benchmark: implementations that make one whole GRPO step of a work at a time.
 */

/** The record of a step. Everything except the times and the samples must be the same for all peers. */
export interface GrpoPeerStep {
  readonly times: { readonly rolloutMs: number; readonly scoreMs: number; readonly updateMs: number };
  readonly tokens: { readonly generated: number; readonly learned: number; readonly expert: number };
  /** Losses of the rollouts and the expert samples before the update, and entropies at sampled labels and reasoning. */
  readonly values: {
    readonly policyLoss: number;
    readonly expertLossNats: number;
    readonly labelEntropyNats: number;
    readonly reasoningEntropyNats: number;
    readonly gradientNorm: number;
  };
  /** The peer's samples that equal the tokens of the work. */
  readonly agreedDraws: number;
}

/** One implementation, loaded with a work. */
export interface GrpoPeer {
  readonly name: 'ours' | 'tfjs';
  readonly step: () => Promise<GrpoPeerStep>;
  /** The GPU device of this peer; undefined on wasm. */
  readonly device: GPUDevice | undefined;
  readonly dispose: () => Promise<void>;
}
