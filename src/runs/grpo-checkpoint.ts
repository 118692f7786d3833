/**
 * A reinforcement run in one safetensors file: weights, moments, the settings, the moves of the dial and the curve so far.
 * Reading it back and going on gives the run that was never interrupted; reading it under other settings forks it.
 */
import * as v from 'valibot';
import { parseConfig } from '../config/parse.ts';
import { type GrpoExperiment, parseGrpoExperiment } from '../protocol/grpo-experiment.ts';
import { type PolicyMeasures, PolicyMeasuresSchema } from '../protocol/policy-measures.ts';
import { CURRICULUM_START } from '../train/curriculum.ts';
import type { GrpoState } from '../train/grpo.ts';
import { readRunFile, upgradedFromWorld, writeRunFile } from './run-file.ts';

const FORMAT = 'afrl-lab-grpo';
/** 1 knew only rule worlds; {@link upgraded} brings it to the present. */
const SCHEMA_VERSION = 2;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** A measurement with the step it was made after. */
export const GrpoCurvePointSchema = v.strictObject({ step: count, measures: PolicyMeasuresSchema });
export interface GrpoCurvePoint {
  readonly step: number;
  readonly measures: PolicyMeasures;
}

const MetadataSchema = v.strictObject({
  format: v.literal(FORMAT),
  schemaVersion: v.literal(SCHEMA_VERSION),
  step: count,
  optimizerStep: count,
  /** Checked by the experiment's own parser. */
  experiment: v.unknown(),
  /** The version of the data that the run learns from, and of rules where they are the run's own. */
  dataHash: v.string(),
  /** Of the weights that the run began with: those of the reference. */
  startHash: v.string(),
  dialMoves: v.array(v.strictObject({ step: count, value: v.number() })),
  tokens: v.strictObject({ generated: count, learned: count, expert: count }),
  curve: v.array(GrpoCurvePointSchema),
  /** Whether the run was stopped in the measurement that is due after its last step. */
  isUnmeasured: v.optional(v.boolean(), false),
  /** Checkpoints from before there was a curriculum do not have it. */
  curriculum: v.optional(
    v.strictObject({ phase: count, since: count, recent: v.array(v.number()) }),
    () => CURRICULUM_START,
  ),
});

/** A run as it is saved. */
export interface GrpoCheckpoint {
  readonly experiment: GrpoExperiment;
  readonly dataHash: string;
  readonly startHash: string;
  readonly state: GrpoState;
  readonly curve: readonly GrpoCurvePoint[];
  /** Whether the measurement that is due after the last step was cut short; it is made up for on resumption. */
  readonly isUnmeasured?: boolean;
}

/** The bytes of a checkpoint. @param texts - as of `writeRunFile` */
export function writeGrpoCheckpoint(
  checkpoint: GrpoCheckpoint,
  texts: Readonly<Record<string, string>> = {},
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
    dialMoves: state.dialMoves,
    tokens: state.tokens,
    curve,
    ...(isUnmeasured === true ? { isUnmeasured } : {}),
    curriculum: state.curriculum,
  };
  return writeRunFile(metadata, state.weights, state.optimizer, texts);
}

/**
 * Reads a checkpoint, also of an older version.
 *
 * @throws {LabError} `bad-checkpoint` or `bad-config` if it is not a whole checkpoint of this kind and version.
 */
export function readGrpoCheckpoint(bytes: Uint8Array): GrpoCheckpoint {
  const {
    metadata: run,
    weights,
    moments,
  } = readRunFile(bytes, (metadata) =>
    parseConfig('The checkpoint', MetadataSchema, upgradedFromWorld(metadata, { schemaVersion: SCHEMA_VERSION })),
  );
  return {
    experiment: parseGrpoExperiment('The checkpoint, its settings', run.experiment),
    dataHash: run.dataHash,
    startHash: run.startHash,
    state: {
      step: run.step,
      weights,
      optimizer: { step: run.optimizerStep, ...moments },
      dialMoves: run.dialMoves,
      tokens: run.tokens,
      curriculum: run.curriculum,
    },
    curve: run.curve,
    isUnmeasured: run.isUnmeasured,
  };
}
