/** What a collapse is, by numbers: `src/train/collapse.ts` measures by them, and the page says them. */

/** The minimum gain in reward, loss of tail recall and lost share of distinct rules that together define a collapse. */
export const COLLAPSE_BOUNDS = { rewardGain: 0.05, tailRecallLoss: 0.2, distinctRulesLoss: 0.3 } as const;
