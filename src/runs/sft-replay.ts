/**
 * What the start of a run has learned before, for the run to repeat: pairs of a rule world that can be made again. A
 * model that learns from something else alone forgets.
 */
import { Rng } from '../common/rng.ts';
import type { WorldData } from '../protocol/sft-experiment.ts';
import { makeRuleWorld } from '../relevance/world/rule-world.ts';
import type { ExpertPair } from '../train/evaluate.ts';

export interface ReplayOptions {
  /** How many pairs. */
  readonly count: number;
  readonly seed: number;
}

/** Training pairs that a start has learned before, with the completions that it learned; where few, they repeat. */
export function replayedPairs(data: WorldData, { count, seed }: ReplayOptions): ExpertPair[] {
  const { kind: _, ...settings } = data;
  const rng = new Rng(`replay ${seed}`);
  const world = makeRuleWorld(settings);
  const drawn: ExpertPair[] = [];
  while (drawn.length < count) {
    const pairs = world.queryPairs('train', rng.int(world.queryCount('train')));
    drawn.push(...pairs.map((pair) => ({ pair, trace: pair.goldTrace })));
  }
  return drawn.slice(0, count);
}
