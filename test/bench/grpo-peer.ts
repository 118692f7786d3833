/**
 * What the reinforcement benchmark compares: a way to make one whole GRPO step of a work at a time.
 */

/** What a step was like. All but the times and the draws must be the same for all who take part. */
export interface GrpoPeerStep {
  readonly times: { readonly rolloutMs: number; readonly scoreMs: number; readonly updateMs: number };
  readonly tokens: { readonly generated: number; readonly learned: number; readonly expert: number };
  /** Loss of the rollouts and of the expert samples before the update, entropies where labels and reasoning were sampled. */
  readonly values: {
    readonly policyLoss: number;
    readonly expertLossNats: number;
    readonly labelEntropyNats: number;
    readonly reasoningEntropyNats: number;
    readonly gradientNorm: number;
  };
  /** Own draws that are the tokens of the work. */
  readonly agreedDraws: number;
}

/** One implementation, loaded with a work. */
export interface GrpoPeer {
  readonly name: 'ours' | 'tfjs';
  readonly step: () => Promise<GrpoPeerStep>;
  /** The GPU device that it alone uses; undefined on wasm. */
  readonly device: GPUDevice | undefined;
  readonly dispose: () => Promise<void>;
}
