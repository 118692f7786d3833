/**
 * The settings of E11: small models and short runs, because what is asked is how decodings differ on one model.
 */
import type { DecodingKind } from '../../config/decoding.ts';
import type { DistillExperimentInput } from '../../protocol/distill-experiment.ts';
import type { GrpoExperimentInput } from '../../protocol/grpo-experiment.ts';
import type { SftExperimentInput } from '../../protocol/sft-experiment.ts';

/** Pairs of the test split of the rule world that every model answers in each way, and of each file at most. */
export const WORLD_TEST_PAIRS = 240;
export const FILE_TEST_PAIRS = 120;

/** The supervised model that a seed's reinforced ones start from. */
export const HELD_START = {
  name: 'held-start',
  preset: 'lab-nano',
  devPairs: 60,
  sft: { steps: 300, batchSize: 64, warmupSteps: 30, evaluateEvery: 300, checkpointEvery: 100 },
} as const satisfies SftExperimentInput;

/** The same strict reward for GRPO (lambda 0) and MBO. */
export function reinforced(lambda: number, decoding: DecodingKind): GrpoExperimentInput {
  return {
    reward: { kind: 'strict' },
    devPairs: 60,
    probePrompts: 8,
    probeSamples: 2,
    grpo: {
      steps: 30,
      prompts: 8,
      samples: 8,
      maxTokens: 32,
      balance: { kind: 'additive', lambda },
      decoding,
      evaluateEvery: 30,
      checkpointEvery: 30,
      probeExpertEvery: 0,
    },
  };
}
/** Of MBO. */
export const LAMBDA = 0.3;

/** A new student of the bundled default model, by the completions of its teacher. */
export function taught(decoding: DecodingKind): DistillExperimentInput {
  return {
    queries: 300,
    devPairs: 60,
    distill: {
      steps: 200,
      warmupSteps: 20,
      method: { kind: 'trace' },
      decoding,
      evaluateEvery: 200,
      checkpointEvery: 200,
    },
  };
}

/** Shares of a file's queries, rounds of PIAR, and the supervised model, which has hints. */
export const FILE_SPLIT = { devShare: 0.15, testShare: 0.2 } as const;
export const FILE_PIAR_ROUNDS = 8;
export const FILE_SFT = {
  steps: 160,
  batchSize: 32,
  warmupSteps: 16,
  labelWeight: 4,
  evaluateEvery: 160,
  checkpointEvery: 160,
} as const satisfies SftExperimentInput['sft'];
