/**
 * A training run in one safetensors file: weights, optimizer moments, the step, and the settings that decide the rest.
 * Reading it back and going on gives the run that was never interrupted.
 */
import * as v from 'valibot';
import { readSafetensors, writeSafetensors } from '../checkpoint/safetensors.ts';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { LabTokenizer } from '../data/tokenizer.ts';
import { parseSftExperiment, type SftExperiment } from '../protocol/sft-experiment.ts';
import type { SftState } from '../train/sft.ts';

const FORMAT = 'afrl-lab-sft';
/** 1 knew only rule worlds; {@link upgraded} brings it to the present. */
const SCHEMA_VERSION = 2;
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
  /** Checked by the experiment's own parser. */
  experiment: v.unknown(),
  /** The contents of the run's tokenizer.json. */
  tokenizer: v.unknown(),
  /** The version of the rule world or the SHA-256 of the data set that the run learns from. */
  dataHash: v.string(),
  /** Pairs learned from; null where they were not counted. */
  trainPairs: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))),
  curve: v.array(CurvePointSchema),
});

/** A run as it is saved. */
export interface SftCheckpoint {
  readonly experiment: SftExperiment;
  /** Kept with the weights: a tokenizer trained anew could differ, and then every weight would mean something else. */
  readonly tokenizer: LabTokenizer;
  /** The version of the data learned from. */
  readonly dataHash: string;
  /** Pairs learned from; null where an old checkpoint does not say. */
  readonly trainPairs: number | null;
  readonly state: SftState;
  readonly curve: readonly CurvePoint[];
}

/** The bytes of a checkpoint. */
export function writeSftCheckpoint(checkpoint: SftCheckpoint): Uint8Array<ArrayBuffer> {
  const { experiment, tokenizer, dataHash, trainPairs, state, curve } = checkpoint;
  const { firstMoment, secondMoment } = state.optimizer;
  const vector = (name: string, data: Float32Array) => ({ name, dtype: 'F32' as const, shape: [data.length], data });
  const metadata = {
    format: FORMAT,
    schemaVersion: SCHEMA_VERSION,
    step: state.step,
    tokens: state.tokens,
    experiment,
    tokenizer: tokenizer.toJson(),
    dataHash,
    trainPairs,
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
 * Reads a checkpoint, also of an older version.
 *
 * @throws {LabError} `bad-checkpoint` or `bad-config` if it is not a whole checkpoint of this kind and version.
 */
export function readSftCheckpoint(bytes: Uint8Array): SftCheckpoint {
  const { metadata, tensors } = readSafetensors(bytes);
  const run = parseConfig('The checkpoint', MetadataSchema, upgraded(parseJson(metadata.get('run'))));
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
    experiment: parseSftExperiment('The checkpoint, its settings', run.experiment),
    tokenizer: LabTokenizer.fromJson(run.tokenizer),
    dataHash: run.dataHash,
    trainPairs: run.trainPairs,
    state: { step: run.step, tokens: run.tokens, weights: floats, optimizer },
    curve: run.curve,
  };
}

/** Metadata of version 1 as version 2 writes them; anything else as it is. Old settings are read by their own parser. */
function upgraded(metadata: unknown): unknown {
  if (typeof metadata !== 'object' || metadata === null) return metadata;
  if (!('schemaVersion' in metadata) || metadata.schemaVersion !== 1 || !('worldHash' in metadata)) return metadata;
  const { worldHash, ...others } = metadata;
  return { ...others, schemaVersion: SCHEMA_VERSION, dataHash: worldHash, trainPairs: null };
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null') as unknown;
  } catch {
    return null; // the schema says what was expected
  }
}
