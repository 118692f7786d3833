/**
 * A distillation run in one safetensors file: the student's weights, the moments, the settings and the curve so far.
 * Resumed with the same teacher, it gives the same result as a run that was never interrupted.
 */
import * as v from 'valibot';
import { ModelConfigSchema, type ModelConfig } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import { type DistillExperiment, DistillExperimentSchema } from '../protocol/distill-experiment.ts';
import { PolicyMeasuresSchema } from '../protocol/policy-measures.ts';
import type { DistillState } from '../train/distill.ts';
import { checkStep, readRunFile, writeRunFile } from './run-file.ts';

const FORMAT = 'afrl-lab-distill';
const SCHEMA_VERSION = 1;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const TokensSchema = v.strictObject({ generated: count, learned: count, expert: count });

/** A measurement of the student on held-out pairs, with the loss of the update before it. */
const DistillPointSchema = v.strictObject({
  step: count,
  tokens: TokensSchema,
  lossNats: v.number(),
  heldOut: PolicyMeasuresSchema.entries.heldOut,
});
export type DistillPoint = v.InferOutput<typeof DistillPointSchema>;

const MetadataSchema = v.strictObject({
  format: v.literal(FORMAT),
  schemaVersion: v.literal(SCHEMA_VERSION),
  step: count,
  tokens: TokensSchema,
  experiment: DistillExperimentSchema,
  /** The shape of the student. */
  student: ModelConfigSchema,
  /** Hash of the teacher's weights. */
  teacherHash: v.string(),
  /** The version of the data: of the rule world, or of the imported data set. */
  worldHash: v.string(),
  curve: v.array(DistillPointSchema),
});

/** The state of a run as it is saved. */
export interface DistillCheckpoint {
  readonly experiment: DistillExperiment;
  readonly student: ModelConfig;
  readonly teacherHash: string;
  readonly worldHash: string;
  readonly state: DistillState;
  readonly curve: readonly DistillPoint[];
}

/** The bytes of a checkpoint; texts and vectors are those of `writeRunFile`. */
export function writeDistillCheckpoint(
  checkpoint: DistillCheckpoint,
  texts: Readonly<Record<string, string>> = {},
  vectors?: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const { experiment, student, teacherHash, worldHash, state, curve } = checkpoint;
  const { step, tokens } = state;
  const metadata = {
    format: FORMAT,
    schemaVersion: SCHEMA_VERSION,
    step,
    tokens,
    experiment,
    student,
    teacherHash,
    worldHash,
    curve,
  };
  return writeRunFile(metadata, state.weights, state.optimizer, texts, vectors);
}

/**
 * Reads a checkpoint.
 *
 * @throws {LabError} `bad-checkpoint` or `bad-config` if it is not a complete checkpoint of this kind and version.
 */
export function readDistillCheckpoint(bytes: Uint8Array): DistillCheckpoint {
  const {
    metadata: run,
    weights,
    moments,
  } = readRunFile(bytes, (metadata) => parseConfig('The checkpoint', MetadataSchema, metadata));
  const { experiment, student, teacherHash, worldHash, step, tokens, curve } = run;
  checkStep(step, experiment.distill.steps);
  return {
    experiment,
    student,
    teacherHash,
    worldHash,
    state: { step, tokens, weights, optimizer: { step, ...moments } },
    curve,
  };
}
