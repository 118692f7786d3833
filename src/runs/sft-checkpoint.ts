/**
 * A training run in one safetensors file: weights, optimizer moments, the step, and the settings that decide the rest.
 * Reading it back and going on gives the run that was never interrupted.
 */
import * as v from 'valibot';
import { parseConfig } from '../config/parse.ts';
import { type KeptQueries, KeptQueriesSchema } from '../data/trained-queries.ts';
import { LabTokenizer } from '../data/tokenizer/tokenizer.ts';
import { parseSftExperiment, type SftExperiment } from '../protocol/sft-experiment.ts';
import type { SftState } from '../train/sft.ts';
import { readRunFile, upgradedFromWorld, writeRunFile } from './run-file.ts';

const FORMAT = 'afrl-lab-sft';
/** 1 knew only rule worlds; {@link upgraded} brings it to the present. */
const SCHEMA_VERSION = 2;

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
  /** Of a file; older checkpoints do not say. */
  queries: v.optional(KeptQueriesSchema),
  curve: v.array(CurvePointSchema),
  /** The loss of the last update, where the run was stopped in the evaluation that is due after it. */
  unevaluatedLossNats: v.optional(v.number()),
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
  /** The queries learned from; undefined for a rule world, and where an old checkpoint does not say. */
  readonly queries?: KeptQueries | undefined;
  readonly state: SftState;
  readonly curve: readonly CurvePoint[];
  /** The loss of the last update, where the evaluation that is due after it was cut short; it is made up for on resumption. */
  readonly unevaluatedLossNats?: number | undefined;
}

/** The bytes of a checkpoint. */
export function writeSftCheckpoint(checkpoint: SftCheckpoint): Uint8Array<ArrayBuffer> {
  const { experiment, tokenizer, dataHash, trainPairs, queries, state, curve, unevaluatedLossNats } = checkpoint;
  const metadata = {
    format: FORMAT,
    schemaVersion: SCHEMA_VERSION,
    step: state.step,
    tokens: state.tokens,
    experiment,
    tokenizer: tokenizer.toJson(),
    dataHash,
    trainPairs,
    ...(queries === undefined ? {} : { queries }),
    curve,
    ...(unevaluatedLossNats === undefined ? {} : { unevaluatedLossNats }),
  };
  return writeRunFile(metadata, state.weights, state.optimizer);
}

/**
 * Reads a checkpoint, also of an older version.
 *
 * @throws {LabError} `bad-checkpoint` or `bad-config` if it is not a whole checkpoint of this kind and version.
 */
export function readSftCheckpoint(bytes: Uint8Array): SftCheckpoint {
  const {
    metadata: run,
    weights,
    moments,
  } = readRunFile(bytes, (metadata) =>
    parseConfig(
      'The checkpoint',
      MetadataSchema,
      upgradedFromWorld(metadata, { schemaVersion: SCHEMA_VERSION, trainPairs: null }),
    ),
  );
  const { step, tokens } = run;
  return {
    experiment: parseSftExperiment('The checkpoint, its settings', run.experiment),
    tokenizer: LabTokenizer.fromJson(run.tokenizer),
    dataHash: run.dataHash,
    trainPairs: run.trainPairs,
    queries: run.queries,
    state: { step, tokens, weights, optimizer: { step, ...moments } },
    curve: run.curve,
    unevaluatedLossNats: run.unevaluatedLossNats,
  };
}
