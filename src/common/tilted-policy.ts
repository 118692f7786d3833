/**
 * The optimum of KL-regularised reward. The policy that maximises E[R] - beta KL(policy || ref) is
 *
 *     policy(x) = ref(x) exp(R(x) / beta) / Z
 *
 * With weak regularisation (beta near 0) it puts all mass on the best outcome, however close the others: the collapse
 * is in the objective, not in the optimisation. With strong regularisation (large beta) it is the reference.
 */
import { klNats, softmax } from './kl-estimators.ts';

/** The policy that maximises {@link regularisedReward}. */
export function tiltedPolicy(ref: readonly number[], rewards: readonly number[], beta: number): number[] {
  return softmax(ref.map((share, i) => Math.log(share) + (rewards[i] ?? 0) / beta));
}

/** The KL-regularised reward E[R] - beta KL(policy || ref), which {@link tiltedPolicy} maximises. */
export function regularisedReward(
  policy: readonly number[],
  ref: readonly number[],
  rewards: readonly number[],
  beta: number,
): number {
  return meanReward(policy, rewards) - beta * klNats(policy, ref);
}

/** E[R]. */
export function meanReward(policy: readonly number[], rewards: readonly number[]): number {
  return policy.reduce((sum, share, i) => sum + share * (rewards[i] ?? 0), 0);
}

/** Entropy in nats. */
export function entropyNats(policy: readonly number[]): number {
  return policy.reduce((sum, share) => (share === 0 ? sum : sum - share * Math.log(share)), 0);
}
