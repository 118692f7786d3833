/**
 * A GRPO run in one safetensors file: weights, moments, settings, the changes of the coefficient (lambda or mu) and the
 * curve so far. Resumed, it gives the same result as a run that was never interrupted; read under other settings, it
 * forks the run.
 */
import * as v from 'valibot';
import { parseConfig } from '../config/parse.ts';
import { type GrpoExperiment, parseGrpoExperiment } from '../protocol/grpo-experiment.ts';
import { type PolicyMeasures, PolicyMeasuresSchema } from '../protocol/policy-measures.ts';
import { renameOldKeys } from '../protocol/renamed-keys.ts';
import { CURRICULUM_START } from '../train/curriculum.ts';
import type { GrpoState } from '../train/grpo.ts';
import { checkStep, readRunFile, upgradedFromWorld, writeRunFile } from './run-file.ts';

const FORMAT = 'afrl-lab-grpo';
/** Version 1 had only rule worlds; `upgradedFromWorld` reads it. */
const SCHEMA_VERSION = 2;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** A measurement and the step that it follows. */
export const GrpoCurvePointSchema = v.strictObject({
  step: count,
  measures: PolicyMeasuresSchema,
  /** Tokens learned from by then, the policy's and the expert's; missing in earlier versions. */
  tokens: v.optional(count),
});
export interface GrpoCurvePoint {
  readonly step: number;
  readonly measures: PolicyMeasures;
  readonly tokens?: number | undefined;
}

const MetadataSchema = v.strictObject({
  format: v.literal(FORMAT),
  schemaVersion: v.literal(SCHEMA_VERSION),
  step: count,
  optimizerStep: count,
  /** Checked by the experiment's own parser. */
  experiment: v.unknown(),
  /** The version of the training data, and of the rules where the run has its own. */
  dataHash: v.string(),
  /** Hash of the weights that the run began with, which are the reference. */
  startHash: v.string(),
  coefficientMoves: v.array(v.strictObject({ step: count, value: v.number() })),
  tokens: v.strictObject({ generated: count, learned: count, expert: count }),
  curve: v.array(GrpoCurvePointSchema),
  /** Whether the run was stopped during the measurement that is due after its last step. */
  isUnmeasured: v.optional(v.boolean(), false),
  /** Missing in checkpoints older than the curriculum. */
  curriculum: v.optional(
    v.strictObject({ phase: count, since: count, recent: v.array(v.number()) }),
    () => CURRICULUM_START,
  ),
});

/** The state of a run as it is saved. */
export interface GrpoCheckpoint {
  readonly experiment: GrpoExperiment;
  readonly dataHash: string;
  readonly startHash: string;
  readonly state: GrpoState;
  readonly curve: readonly GrpoCurvePoint[];
  /** Whether the measurement that is due after the last step was cut short; it is repeated on resume. */
  readonly isUnmeasured?: boolean;
}

/** The bytes of a checkpoint; texts and vectors are those of `writeRunFile`. */
export function writeGrpoCheckpoint(
  checkpoint: GrpoCheckpoint,
  texts: Readonly<Record<string, string>> = {},
  vectors?: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const { experiment, dataHash, startHash, state, curve, isUnmeasured } = checkpoint;
  const metadata = {
    format: FORMAT,
    schemaVersion: SCHEMA_VERSION,
    step: state.step,
    optimizerStep: state.optimizer.step,
    experiment,
    dataHash,
    startHash,
    coefficientMoves: state.coefficientMoves,
    tokens: state.tokens,
    curve,
    ...(isUnmeasured === true ? { isUnmeasured } : {}),
    curriculum: state.curriculum,
  };
  return writeRunFile(metadata, state.weights, state.optimizer, texts, vectors);
}

/**
 * Reads a checkpoint of this or an earlier version.
 *
 * @throws {LabError} `bad-checkpoint` or `bad-config` if it is not a complete checkpoint of this kind and version.
 */
export function readGrpoCheckpoint(bytes: Uint8Array): GrpoCheckpoint {
  const {
    metadata: run,
    weights,
    moments,
  } = readRunFile(bytes, (metadata) =>
    parseConfig(
      'The checkpoint',
      MetadataSchema,
      upgradedFromWorld(renameOldKeys(metadata), { schemaVersion: SCHEMA_VERSION }),
    ),
  );
  const experiment = parseGrpoExperiment('The checkpoint, its settings', run.experiment);
  checkStep(run.step, experiment.grpo.steps);
  return {
    experiment,
    dataHash: run.dataHash,
    startHash: run.startHash,
    state: {
      step: run.step,
      weights,
      optimizer: { step: run.optimizerStep, ...moments },
      coefficientMoves: run.coefficientMoves,
      tokens: run.tokens,
      curriculum: run.curriculum,
    },
    curve: run.curve,
    isUnmeasured: run.isUnmeasured,
  };
}
