/**
 * The lab's model format: a folder of five files, each readable without the others.
 *
 *     config.json         the shape, as Hugging Face transformers reads it
 *     model.safetensors   the weights, under Hugging Face names
 *     tokenizer.json      the byte-level BPE
 *     lab.json            the task: prompt, scale, instruction, lexicon, examples
 *     card.json           its origin and its measures
 *
 * A model whose prompts show similarities of meaning has `vectors.safetensors` besides (vectors/static-vectors.ts);
 * without it, its prompts state that there are none. A folder on a disk has two more files, which transformers reads
 * and the lab does not: runs/models/transformers-files.ts.
 *
 * Everything is parsed and checked before a tensor is made.
 */
import * as v from 'valibot';
import { fromHuggingFaceConfig, type ModelConfig } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import { LabError } from '../common/errors.ts';
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import { readTokenizer } from '../data/tokenizer/read-tokenizer.ts';
import { wordingSchema } from '../data/tokenizer/worded-tokenizer.ts';
import { loadStreamed } from '../model/load-streamed.ts';
import type { Transformer } from '../model/transformer.ts';
import {
  checkStoredWeights,
  loadForAnswering,
  type Precision,
  readStoredWeights,
  type StoredWeights,
  toFloats,
  toTrainable,
} from '../model/stored-weights.ts';
import type { WeightSource } from '../model/weight-source.ts';
import { disposeWeights, type TensorData, weightShapes } from '../model/weights.ts';
import { disposeCompressed } from '../ops/compressed.ts';
import { type ModelFiles, PairSchema } from '../protocol/scoring.ts';
import { parseInstruction } from '../relevance/rules/instruction.ts';
import { type LabelScale, makeScale } from '../relevance/pair/labels.ts';
import type { Pair } from '../relevance/pair/pair.ts';
import { lexiconSchema, makeLexicon } from '../relevance/pair/lexicon.ts';
import { noRules, type Rules } from '../relevance/rules/rules.ts';
import { textFolding } from '../relevance/pair/text-folding.ts';
import { type PromptConfig, promptConfigSchema } from '../relevance/prompt/prompt.ts';
import type { VectorSource } from '../relevance/prompt/meaning.ts';
import { readVectors, StaticVectors, VECTORS_FILE } from '../vectors/static-vectors.ts';
import { type ModelCard, ModelCardSchema } from './model-card.ts';

/** The names of the files that every model folder has. */
export const MODEL_FILES = ['config.json', 'tokenizer.json', 'lab.json', 'card.json', 'model.safetensors'] as const;
/** The same, and those that only some have. */
export const ALL_MODEL_FILES = [...MODEL_FILES, VECTORS_FILE] as const;
export type ModelFileName = (typeof ALL_MODEL_FILES)[number];

/** The files of a model. Instead of `model.safetensors` there may be weights elsewhere, read tensor by tensor. */
export interface ModelSource extends ReadonlyMap<ModelFileName, Uint8Array> {
  readonly weights?: WeightSource | undefined;
}

/** The files of a message that are there; loading reports missing ones. */
export function givenModelFiles(files: ModelFiles): Map<ModelFileName, Uint8Array> {
  return new Map(ALL_MODEL_FILES.flatMap((name) => (files[name] === undefined ? [] : [[name, files[name]]])));
}

/** An example pair, with a title of two or three words. */
const ExampleSchema = v.strictObject({ name: v.string(), pair: PairSchema });

/** A label's name, and a line on when it applies; shown in full. */
const ScaleSchema = v.strictObject({
  names: v.array(v.pipe(v.string(), v.maxLength(200))),
  rubric: v.array(v.pipe(v.string(), v.maxLength(2000))),
});

/** The schema of `lab.json`. */
export const LabFileSchema = v.strictObject({
  schemaVersion: v.literal(1),
  prompt: promptConfigSchema,
  scale: ScaleSchema,
  /** Other scales that the model can be asked on, without reasons. */
  otherScales: v.optional(v.array(ScaleSchema), []),
  /** Checked by the instruction's own parser; null for a model that learned labels without reasons. */
  instruction: v.unknown(),
  /** The indices of rare rules. */
  tailRules: v.array(v.pipe(v.number(), v.integer(), v.minValue(0))),
  lexicon: lexiconSchema,
  /** Whether titles are read for facts that fields leave out, as the rules expect. */
  readsTitles: v.optional(v.boolean(), false),
  examples: v.array(ExampleSchema),
  /** How a vocabulary that the lab did not train writes what it has no tokens for; kept here, because other programs
   *  refuse a `tokenizer.json` with more than they know. */
  wording: v.optional(wordingSchema),
});
export type LabFile = v.InferOutput<typeof LabFileSchema>;

/** A model without its weights. */
export type ModelFacts = Omit<LabModel, 'transformer'>;

/** A model that has been read but is not on a backend. */
export interface ReadModel extends ModelFacts {
  readonly config: ModelConfig;
  readonly stored: StoredWeights | WeightSource;
}

/** A model on the current backend. */
export interface LabModel extends Rules {
  readonly transformer: Transformer;
  readonly tokenizer: ModelTokenizer;
  readonly prompt: PromptConfig;
  readonly scale: LabelScale;
  /** Further scales that it can answer on: {@link onScale}. */
  readonly otherScales: readonly LabelScale[];
  readonly examples: LabFile['examples'];
  readonly card: ModelCard;
  /** What its prompts compare meanings with; undefined where they show none, or there are no vectors. */
  readonly vectors?: ModelVectors | undefined;
}

/** Vectors as a file, and as a source of similarities. */
export interface ModelVectors {
  readonly file: Uint8Array;
  readonly source: VectorSource;
  /** Reads pairs before they are shown, where an encoder has to; more than once costs nothing. */
  readonly read?: ((pairs: Iterable<Pair>) => Promise<void>) | undefined;
}

/**
 * Makes a model from the contents of its files.
 *
 * @param precision - of the matrices in memory, by default as they are stored; only f32 can be trained
 * @throws {LabError} naming the file: `bad-config`, `bad-tokenizer`, `bad-instruction` or `bad-checkpoint`
 */
export async function loadLabModel(files: ModelSource, precision?: Precision): Promise<LabModel> {
  return toBackend(readLabModel(files), precision);
}

/** Puts a model that has been read onto the current backend; precision as in {@link loadLabModel}. */
export async function toBackend({ config, stored, ...rest }: ReadModel, precision?: Precision): Promise<LabModel> {
  const transformer = isSource(stored)
    ? await loadStreamed(config, stored, precision)
    : loadForAnswering(config, stored, precision);
  return { ...rest, transformer };
}

function isSource(stored: StoredWeights | WeightSource): stored is WeightSource {
  return 'tensors' in stored;
}

/**
 * The same without a backend: reads and checks all files, and creates no tensor.
 *
 * @throws {LabError} as {@link loadLabModel}
 */
export function readLabModel(files: ModelSource): ReadModel {
  const config = fromHuggingFaceConfig(readModelJson(files, 'config.json'));
  const lab = parseConfig('lab.json', LabFileSchema, readModelJson(files, 'lab.json'));
  const tokenizer = tokenizerOfLab(files, lab);
  const card = parseConfig('card.json', ModelCardSchema, readModelJson(files, 'card.json'));
  const rules = rulesOfLab(lab);
  const scale = makeScale(lab.scale.names, lab.scale.rubric);
  checkConsistency(config, tokenizer, lab, rules.instruction);
  return {
    config,
    stored: files.weights ?? checkedWeights(config, fileOf(files, 'model.safetensors')),
    tokenizer,
    prompt: lab.prompt,
    scale,
    otherScales: lab.otherScales.map(({ names, rubric }) => makeScale(names, rubric)),
    ...rules,
    examples: lab.examples,
    card,
    vectors: vectorsOf(lab, files.get(VECTORS_FILE)),
  };
}

function checkedWeights(config: ModelConfig, bytes: Uint8Array): StoredWeights {
  const stored = readStoredWeights(bytes);
  checkStoredWeights(config, stored);
  return stored;
}

/** The tokenizer of a model, with its wording. @throws {LabError} `bad-config`, `bad-tokenizer` */
export function tokenizerOfLab(
  files: ReadonlyMap<ModelFileName, Uint8Array>,
  { wording }: Pick<LabFile, 'wording'>,
): ModelTokenizer {
  const json = readModelJson(files, 'tokenizer.json');
  return readTokenizer(wording === undefined || typeof json !== 'object' ? json : { ...json, wording });
}

/** The rules that a model has learned; none for labels alone. @throws {LabError} `bad-instruction` */
export function rulesOfLab({ prompt, instruction, lexicon, tailRules, readsTitles }: LabFile): Rules {
  const folding = textFolding(prompt.folding);
  return {
    instruction: instruction === null ? noRules(prompt.scaleSize, folding).instruction : parseInstruction(instruction),
    lexicon: makeLexicon(lexicon, folding),
    tailRules: new Set(tailRules),
    readsTitles,
  };
}

/** The vectors of a model; undefined where its prompts show no similarities, or there is no file. */
export function vectorsOf({ prompt }: LabFile, file: Uint8Array | undefined): ModelVectors | undefined {
  if (prompt.meaning !== true || file === undefined) return undefined;
  return { file, source: new StaticVectors(readVectors(file), textFolding(prompt.folding)) };
}

/** The shape of a model, from its config.json alone. @throws {LabError} `bad-config` */
export function modelShape(files: ReadonlyMap<ModelFileName, Uint8Array>): ModelConfig {
  return fromHuggingFaceConfig(readModelJson(files, 'config.json'));
}

/**
 * A model asked for another number of labels. It is the same model on the same weights: dispose of one of the two.
 *
 * @throws {LabError} `bad-config` if it has not learned that scale
 */
export function onScale(model: LabModel, size: number): LabModel {
  const { scale: own, otherScales, prompt, card } = model;
  if (size === own.size) return model;
  const scale = otherScales.find((other) => other.size === size);
  if (scale === undefined) {
    throw new LabError('bad-config', {
      message: `${card.name} cannot be asked for ${size} labels.`,
      expected: [own, ...otherScales].map((known) => known.size).join(' or '),
      got: String(size),
      fix: 'Ask for labels that it has learned, or use another model.',
    });
  }
  // Rules imply labels of one scale, and do not apply to another.
  return {
    ...model,
    ...noRules(size, textFolding(prompt.folding)),
    scale,
    otherScales: [],
    prompt: { ...prompt, scaleSize: size },
  };
}

/**
 * Why a model that is asked on some scale gives no reasons; undefined if it gives some.
 *
 * @param stored - on its own scale
 */
export function whyNoReasons(stored: LabModel, asked: LabModel): string | undefined {
  const { card, scale, instruction } = stored;
  if (asked.instruction.rules.length > 0) return undefined;
  if (instruction.rules.length === 0) return `${card.name} gives no reasons: it learned labels alone.`;
  return `${card.name} gives no reasons on ${asked.scale.size} labels: its rules lead to labels of ${scale.size}.`;
}

/** Positions kept free for the reasoning when a prompt is cut to fit. */
const COMPLETION_ROOM = 32;

/** The maximum length of a prompt that leaves room for label and reasoning. */
export function promptRoom({ transformer }: { readonly transformer: Pick<Transformer, 'config'> }): number {
  return transformer.config.maxPositions - COMPLETION_ROOM;
}

/** Frees the memory of a model on its backend. */
export function disposeLabModel(model: LabModel): void {
  disposeWeights(model.transformer.weights);
  for (const matrix of model.transformer.compressed?.values() ?? []) disposeCompressed(matrix);
}

/**
 * The weights of a model to train on, those of its config alone: a tied model may store a head, which it does not have.
 *
 * @throws {LabError} `bad-file`, `bad-checkpoint`; `bad-config` if they are quantised
 */
export async function readWeightTensors({
  config,
  stored,
}: Pick<ReadModel, 'config' | 'stored'>): Promise<Map<string, TensorData>> {
  const weights = new Map<string, TensorData>();
  const floats = isSource(stored) ? undefined : toTrainable(stored);
  for (const name of weightShapes(config).keys()) {
    const tensor = isSource(stored)
      ? toFloats(new Map([[name, await stored.read(name)]])).get(name)
      : floats?.get(name);
    if (tensor !== undefined) weights.set(name, tensor);
  }
  return weights;
}

function checkConsistency(
  config: ModelConfig,
  tokenizer: ModelTokenizer,
  lab: LabFile,
  instruction: Rules['instruction'],
): void {
  const check = (holds: boolean, message: string, expected: string, got: string): void => {
    if (holds) return;
    const fix = 'The files of a model folder belong together: take them all from one export.';
    throw new LabError('bad-config', { message, expected, got, fix });
  };
  const size = lab.scale.names.length;
  check(
    tokenizer.vocabSize <= config.vocabSize,
    'tokenizer.json does not fit config.json.',
    `at most ${config.vocabSize} tokens`,
    `${tokenizer.vocabSize}`,
  );
  check(
    lab.prompt.scaleSize === size && instruction.scaleSize === size,
    'lab.json names one scale for its labels and another for its prompt or instruction.',
    `${size} labels`,
    `${lab.prompt.scaleSize} and ${instruction.scaleSize}`,
  );
}

/** The JSON in a file of a model. @throws {LabError} `not-found`; `bad-config` naming the file */
export function readModelJson(files: ReadonlyMap<ModelFileName, Uint8Array>, name: ModelFileName): unknown {
  const text = new TextDecoder().decode(fileOf(files, name));
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new LabError('bad-config', { message: `${name} of the model is not JSON.`, cause });
  }
}

function fileOf(files: ReadonlyMap<ModelFileName, Uint8Array>, name: ModelFileName): Uint8Array {
  const bytes = files.get(name);
  if (bytes !== undefined) return bytes;
  throw new LabError('not-found', {
    message: `The model has no ${name}.`,
    expected: `a folder with ${MODEL_FILES.join(', ')}`,
  });
}
