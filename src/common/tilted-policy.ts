/**
 * What reward with a leash on the reference asks for. The policy that has the highest E[R] - beta KL(policy || ref) is
 *
 *     policy(x) = ref(x) exp(R(x) / beta) / Z
 *
 * For a loose leash (beta near 0) it is the best outcome alone, whatever else earned nearly as much: the collapse is in the
 * aim and not in the way there. For a tight one (beta large) it is the reference.
 */
import { klNats, softmax } from './kl-estimators.ts';

/** The policy that reward and leash ask for. */
export function tiltedPolicy(ref: readonly number[], rewards: readonly number[], beta: number): number[] {
  return softmax(ref.map((share, i) => Math.log(share) + (rewards[i] ?? 0) / beta));
}

/** E[R] - beta KL(policy || ref): what {@link tiltedPolicy} maximises. */
export function leashedReward(
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

/** In nats. */
export function entropyNats(policy: readonly number[]): number {
  return policy.reduce((sum, share) => (share === 0 ? sum : sum - share * Math.log(share)), 0);
}
