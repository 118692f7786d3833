/**
 * The work of the scoring benchmark: documents of several queries; all documents of a query follow the same tokens.
 * Weights and ids are random, because token contents do not affect the times.
 */
import { Rng } from '../../src/common/rng.ts';
import { countParameters, type ModelConfig } from '../../src/config/model-config.ts';
import { MODEL_PRESETS, type PresetName } from '../../src/config/presets.ts';
import { initialWeights, type TensorData } from '../../src/model/weights.ts';

/** The prompts to score and the model. */
export interface ScoreWork {
  readonly name: string;
  readonly model: ModelConfig;
  readonly weights: ReadonlyMap<string, TensorData>;
  /** Ordered by query, all of T tokens. */
  readonly prompts: readonly Int32Array<ArrayBuffer>[];
  readonly T: number;
  readonly labelIds: readonly number[];
}

export interface ScoreWorkRequest {
  readonly preset: PresetName;
  readonly queries: number;
  /** Documents per query. */
  readonly documents: number;
  /** Tokens before the document, and tokens of the document. */
  readonly prefix: number;
  readonly document: number;
}

const LABEL_IDS = [7, 8, 9, 10];

/** Makes a work, always the same for the same request. */
export function makeScoreWork({ preset, queries, documents, prefix, document }: ScoreWorkRequest): ScoreWork {
  const T = prefix + document;
  const shape: ModelConfig = MODEL_PRESETS[preset];
  const model = { ...shape, maxPositions: Math.max(T, shape.maxPositions) };
  const rng = new Rng('bench score');
  const randomIds = (length: number): Int32Array => Int32Array.from({ length }, () => rng.int(model.vocabSize));
  const prompts = Array.from({ length: queries }, () => {
    const query = randomIds(prefix);
    return Array.from({ length: documents }, () => Int32Array.from([...query, ...randomIds(document)]));
  }).flat();
  return {
    name: `${preset}, ${queries} queries x ${documents} documents, ${prefix} + ${document} tokens`,
    model,
    weights: initialWeights(model, rng.fork('weights')),
    prompts,
    T,
    labelIds: LABEL_IDS,
  };
}

/** A description for the report. */
export function describeScoreWork({ name, model }: ScoreWork): string {
  const { vocabSize: V, width: C, layers: L } = model;
  return `${name}; L=${L},C=${C},V=${V}, ${countParameters(model).toLocaleString('en')} parameters`;
}
