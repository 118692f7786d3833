/**
 * The work of the scoring benchmark: documents to be judged for some queries, all documents of a query behind the same
 * tokens. What the tokens say does not matter to how long they take: weights and ids are random.
 */
import { Rng } from '../../src/common/rng.ts';
import { countParameters, type ModelConfig } from '../../src/config/model-config.ts';
import { MODEL_PRESETS, type PresetName } from '../../src/config/presets.ts';
import { initialWeights, type TensorData } from '../../src/model/weights.ts';

/** What there is to score. */
export interface ScoreWork {
  readonly name: string;
  readonly model: ModelConfig;
  readonly weights: ReadonlyMap<string, TensorData>;
  /** Query after query, all of T tokens. */
  readonly prompts: readonly Int32Array<ArrayBuffer>[];
  readonly T: number;
  readonly labelIds: readonly number[];
}

export interface ScoreWorkRequest {
  readonly preset: PresetName;
  readonly queries: number;
  /** Of each query. */
  readonly documents: number;
  /** Tokens before the document, and of it. */
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
  const draw = (length: number): Int32Array => Int32Array.from({ length }, () => rng.int(model.vocabSize));
  const prompts = Array.from({ length: queries }, () => {
    const query = draw(prefix);
    return Array.from({ length: documents }, () => Int32Array.from([...query, ...draw(document)]));
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

/** In words, for the report. */
export function describeScoreWork({ name, model }: ScoreWork): string {
  const { vocabSize: V, width: C, layers: L } = model;
  return `${name}; L=${L},C=${C},V=${V}, ${countParameters(model).toLocaleString('en')} parameters`;
}
