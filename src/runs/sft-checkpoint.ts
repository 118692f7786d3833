/**
 * A supervised run in one safetensors file: weights, optimizer moments, the step and the settings that determine the
 * rest. Resumed, it gives the same result as a run that was never interrupted.
 */
import * as v from 'valibot';
import { parseConfig } from '../config/parse.ts';
import { type KeptQueries, KeptQueriesSchema } from '../data/trained-queries.ts';
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import { readTokenizer } from '../data/tokenizer/read-tokenizer.ts';
import { parseSftExperiment, type SftExperiment } from '../protocol/sft-experiment.ts';
import type { SftState } from '../train/sft.ts';
import { KeptStartSchema, keptStart, type SftStart, startKept } from './sft-start.ts';
import { checkStep, readRunFile, upgradedFromWorld, writeRunFile } from './run-file.ts';

const FORMAT = 'afrl-lab-sft';
/** Version 1 had only rule worlds; `upgradedFromWorld` reads it. */
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
  /** The version of the rule world, or the SHA-256 of the data set. */
  dataHash: v.string(),
  /** Training pairs; null where they were not counted. */
  trainPairs: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))),
  /** Training queries of a file; missing in old checkpoints. */
  queries: v.optional(KeptQueriesSchema),
  /** Of the model that the run continues. */
  start: v.optional(KeptStartSchema),
  curve: v.array(CurvePointSchema),
  /** The loss of the last update, if the run was stopped during the evaluation that is due after it. */
  unevaluatedLossNats: v.optional(v.number()),
});

/** The state of a run as it is saved. */
export interface SftCheckpoint {
  readonly experiment: SftExperiment;
  /** Saved with the weights, because another tokenizer would change the meaning of every weight. */
  readonly tokenizer: ModelTokenizer;
  /** The version of the training data. */
  readonly dataHash: string;
  /** Training pairs; null in old checkpoints. */
  readonly trainPairs: number | null;
  /** Training queries; undefined for a rule world and in old checkpoints. */
  readonly queries?: KeptQueries | undefined;
  /** The model that the run continues, without its weights. */
  readonly start?: SftStart | undefined;
  readonly state: SftState;
  readonly curve: readonly CurvePoint[];
  /** The loss of the last update, if the evaluation due after it was cut short; it is repeated on resume. */
  readonly unevaluatedLossNats?: number | undefined;
}

/** The bytes of a checkpoint. */
export function writeSftCheckpoint(checkpoint: SftCheckpoint): Uint8Array<ArrayBuffer> {
  const { experiment, tokenizer, dataHash, trainPairs, queries, start, state, curve } = checkpoint;
  const { unevaluatedLossNats } = checkpoint;
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
    ...(start === undefined ? {} : { start: keptStart(start) }),
    curve,
    ...(unevaluatedLossNats === undefined ? {} : { unevaluatedLossNats }),
  };
  return writeRunFile(metadata, state.weights, state.optimizer, {}, start?.vectors?.file);
}

/**
 * Reads a checkpoint of this or an earlier version.
 *
 * @throws {LabError} `bad-checkpoint` or `bad-config` if it is not a complete checkpoint of this kind and version.
 */
export function readSftCheckpoint(bytes: Uint8Array): SftCheckpoint {
  const {
    metadata: run,
    weights,
    moments,
    vectors,
  } = readRunFile(bytes, (metadata) =>
    parseConfig(
      'The checkpoint',
      MetadataSchema,
      upgradedFromWorld(metadata, { schemaVersion: SCHEMA_VERSION, trainPairs: null }),
    ),
  );
  const { step, tokens } = run;
  const experiment = parseSftExperiment('The checkpoint, its settings', run.experiment);
  checkStep(step, experiment.sft.steps);
  const tokenizer = readTokenizer(run.tokenizer);
  return {
    experiment,
    tokenizer,
    dataHash: run.dataHash,
    trainPairs: run.trainPairs,
    queries: run.queries,
    start: run.start && startKept(run.start, tokenizer, vectors),
    state: { step, tokens, weights, optimizer: { step, ...moments } },
    curve: run.curve,
    unevaluatedLossNats: run.unevaluatedLossNats,
  };
}
