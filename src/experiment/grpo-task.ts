/**
 * Reinforcement on a rule world, from its settings to prompts, expert samples and held-out pairs. Prompts and expert
 * samples are pairs of the train split, as in the supervised run that the start comes from.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { Example } from '../data/batches.ts';
import type { LabModel } from '../infer/lab-model.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import { instructionHash } from '../relevance/instruction.ts';
import { makeRuleWorld, type RuleWorld } from '../relevance/rule-world.ts';
import type { ExpertPair } from '../train/evaluate.ts';
import { makeRlPrompts, promptPool, type RlPrompt, type RlTask } from '../train/rollouts.ts';
import { toExpert } from './sft-experiment.ts';

/** What is needed of the model that a run starts from. */
export type GrpoStart = Pick<LabModel, 'tokenizer' | 'prompt' | 'instruction'>;

/** A run's data, ready to learn from. */
export interface PreparedGrpo {
  readonly world: RuleWorld;
  readonly task: RlTask;
  readonly expert: readonly Example[];
  /** Indices of the task's prompts that evaluations answer: the run's own mix, the same ones every time. */
  readonly probe: readonly number[];
  readonly dev: readonly ExpertPair[];
}

/** Queries between two chances to stop. */
const QUERIES_PER_TURN = 100;

/**
 * Makes the data of a run.
 *
 * @throws {LabError} `bad-config` if the start has learned other rules than the world has; `aborted`
 */
export async function prepareGrpo(
  experiment: GrpoExperiment,
  start: GrpoStart,
  signal?: AbortSignal,
): Promise<PreparedGrpo> {
  const world = makeRuleWorld(experiment.world);
  checkRules(world, start);
  const prompts: RlPrompt[] = [];
  const queries = Math.min(experiment.queries, world.queryCount('train'));
  for (let query = 0; query < queries; query++) {
    const pairs = world.queryPairs('train', query).map(toExpert);
    prompts.push(...makeRlPrompts(start.tokenizer, start.prompt, pairs, world.tailRules));
    if (query % QUERIES_PER_TURN !== 0) continue;
    await yieldToMessages();
    throwIfAborted(signal);
  }
  const expert = prompts.filter(({ isTail }) => experiment.expertCoverage === 'all' || !isTail);
  const { tailPromptWeight, seed } = experiment.grpo;
  const isTail = prompts.map((prompt) => prompt.isTail);
  return {
    world,
    task: {
      tokenizer: start.tokenizer,
      instruction: world.instruction,
      tailRules: world.tailRules,
      reward: experiment.reward,
      prompts,
    },
    expert: expert.map(({ example }) => example),
    probe: promptPool(isTail, tailPromptWeight, seed).slice(0, experiment.probePrompts),
    dev: heldOutPairs(world, 'dev', experiment.devPairs),
  };
}

/** The first pairs of a held-out split. */
export function heldOutPairs(world: RuleWorld, split: 'dev' | 'test', count: number): ExpertPair[] {
  const pairs: ExpertPair[] = [];
  for (const pair of world.pairs(split)) {
    if (pairs.length === count) break;
    pairs.push(toExpert(pair));
  }
  return pairs;
}

function checkRules({ instruction }: RuleWorld, start: GrpoStart): void {
  const [expected, got] = [instructionHash(instruction), instructionHash(start.instruction)];
  if (expected === got) return;
  throw new LabError('bad-config', {
    message: 'The model to start from has learned other rules than the world of this run has.',
    expected: `a model of the instruction ${expected}`,
    got,
    fix: 'Start from a model that "npm run lab -- sft" has trained with this version of the lab.',
  });
}
