/**
 * A training run in one safetensors file: weights, optimizer moments, the step, and the settings that decide the rest.
 * Reading it back and going on gives the run that was never interrupted.
 */
import * as v from 'valibot';
import { readSafetensors, writeSafetensors } from '../checkpoint/safetensors.ts';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { LabTokenizer } from '../data/tokenizer.ts';
import { type SftExperiment, SftExperimentSchema } from '../protocol/sft-experiment.ts';
import type { SftState } from '../train/sft.ts';

const FORMAT = 'afrl-lab-sft';
const SCHEMA_VERSION = 1;
const FIRST_MOMENT = 'optimizer.first_moment';
const SECOND_MOMENT = 'optimizer.second_moment';

/** A point of the learning curve. */
const CurvePointSchema = v.strictObject({
  step: v.number(),
  tokens: v.number(),
  lossNats: v.number(),
  devAccuracy: v.optional(v.number()),
  devLossNats: v.optional(v.number()),
});
export type CurvePoint = v.InferOutput<typeof CurvePointSchema>;

const MetadataSchema = v.strictObject({
  format: v.literal(FORMAT),
  schemaVersion: v.literal(SCHEMA_VERSION),
  step: v.pipe(v.number(), v.integer(), v.minValue(0)),
  tokens: v.number(),
  experiment: SftExperimentSchema,
  /** The contents of the run's tokenizer.json. */
  tokenizer: v.unknown(),
  /** The version of the rule world that the run learns from. */
  worldHash: v.string(),
  curve: v.array(CurvePointSchema),
});

/** A run as it is saved. */
export interface SftCheckpoint {
  readonly experiment: SftExperiment;
  /** Kept with the weights: a tokenizer trained anew could differ, and then every weight would mean something else. */
  readonly tokenizer: LabTokenizer;
  readonly worldHash: string;
  readonly state: SftState;
  readonly curve: readonly CurvePoint[];
}

/** The bytes of a checkpoint. */
export function writeSftCheckpoint(checkpoint: SftCheckpoint): Uint8Array<ArrayBuffer> {
  const { experiment, tokenizer, worldHash, state, curve } = checkpoint;
  const { firstMoment, secondMoment } = state.optimizer;
  const vector = (name: string, data: Float32Array) => ({ name, dtype: 'F32' as const, shape: [data.length], data });
  const metadata = {
    format: FORMAT,
    schemaVersion: SCHEMA_VERSION,
    step: state.step,
    tokens: state.tokens,
    experiment,
    tokenizer: tokenizer.toJson(),
    worldHash,
    curve,
  };
  return writeSafetensors(
    [
      ...[...state.weights].map(([name, { shape, data }]) => ({ name, dtype: 'F32' as const, shape, data })),
      vector(FIRST_MOMENT, firstMoment),
      vector(SECOND_MOMENT, secondMoment),
    ],
    new Map([['run', JSON.stringify(metadata)]]),
  );
}

/**
 * Reads a checkpoint.
 *
 * @throws {LabError} `bad-checkpoint` or `bad-config` if it is not a whole checkpoint of this kind and version.
 */
export function readSftCheckpoint(bytes: Uint8Array): SftCheckpoint {
  const { metadata, tensors } = readSafetensors(bytes);
  const run = parseConfig('The checkpoint', MetadataSchema, parseJson(metadata.get('run')));
  const floats = new Map(
    [...tensors].map(([name, tensor]) => [name, { shape: tensor.shape, data: tensor.toFloat32() }]),
  );
  const firstMoment = floats.get(FIRST_MOMENT)?.data;
  const secondMoment = floats.get(SECOND_MOMENT)?.data;
  if (firstMoment === undefined || secondMoment === undefined) {
    throw new LabError('bad-checkpoint', {
      message: 'The checkpoint has no optimizer state.',
      expected: `the tensors ${FIRST_MOMENT} and ${SECOND_MOMENT}`,
      fix: 'A model folder cannot be resumed; use the checkpoint.safetensors of the run.',
    });
  }
  floats.delete(FIRST_MOMENT);
  floats.delete(SECOND_MOMENT);
  const optimizer = { step: run.step, firstMoment, secondMoment };
  return {
    experiment: run.experiment,
    tokenizer: LabTokenizer.fromJson(run.tokenizer),
    worldHash: run.worldHash,
    state: { step: run.step, tokens: run.tokens, weights: floats, optimizer },
    curve: run.curve,
  };
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null') as unknown;
  } catch {
    return null; // the schema says what was expected
  }
}
