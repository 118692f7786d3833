/**
 * The settings of E11: small models and short runs, because the question is how decodings differ on one model.
 */
import type { DecodingKind } from '../../config/decoding.ts';
import type { DistillExperimentInput } from '../../protocol/distill-experiment.ts';
import type { GrpoExperimentInput } from '../../protocol/grpo-experiment.ts';
import type { SftExperimentInput } from '../../protocol/sft-experiment.ts';

/** Test pairs that every model answers under each decoding: of the rule world, and at most of each file. */
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
export function grpoSettings(lambda: number, decoding: DecodingKind): GrpoExperimentInput {
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
/** The weight of the expert loss in MBO. */
export const LAMBDA = 0.3;

/** A new student, trained on completions of its teacher. */
export function distillSettings(decoding: DecodingKind): DistillExperimentInput {
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

/** The split of a file by query, the rounds of PIAR, and the supervised model. */
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
