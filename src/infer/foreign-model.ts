/**
 * Language models that the lab did not make, as models of the lab: a GGUF file or a Hugging Face folder, whose prompts
 * and completions are in words, and whose labels are single tokens of its vocabulary.
 *
 * Only what is small is read here; the weights stay where they are and are read tensor by tensor when they are loaded.
 */
import * as v from 'valibot';
import type { ByteSource } from '../checkpoint/byte-source.ts';
import { readGguf } from '../checkpoint/gguf.ts';
import { Sha256 } from '../checkpoint/sha256.ts';
import { readShardIndex, SHARD_INDEX, type ShardIndex } from '../checkpoint/shards.ts';
import { LabError } from '../common/errors.ts';
import { fromGgufMetadata } from '../config/gguf-config.ts';
import {
  countParameters,
  fromHuggingFaceConfig,
  type ModelConfig,
  toHuggingFaceConfig,
} from '../config/model-config.ts';
import { ggufTokenizer } from '../data/tokenizer/gguf-tokenizer.ts';
import { holdsToken } from '../data/tokenizer/tokenizer-json.ts';
import { WordedTokenizer, type Wording } from '../data/tokenizer/worded-tokenizer.ts';
import { ggufWeights } from '../model/gguf-weights.ts';
import { safetensorsWeights } from '../model/safetensors-weights.ts';
import type { WeightSource } from '../model/weight-source.ts';
import { BINARY_SCALE, DEFAULT_SCALE, type LabelScale } from '../relevance/pair/labels.ts';
import { ANSWER } from '../relevance/pair/vocabulary.ts';
import { CURRENT_FOLDING } from '../relevance/pair/text-folding.ts';
import { type PromptConfig, promptConfigSchema } from '../relevance/prompt/prompt.ts';
import { type ChatFrame, RERANKER, RESTATED, wordsOf } from '../relevance/prompt/wording.ts';
import type { Instruction } from '../relevance/rules/instruction.ts';
import { noInstruction } from '../relevance/rules/rules.ts';
import { startInstruction } from '../relevance/rules/start-instruction.ts';
import { chatFrame, PLAIN_FRAME } from './chat-frame.ts';
import type { LabFile, ModelFileName, ModelSource } from './lab-model.ts';
import type { ModelCard } from './model-card.ts';

/** The positions of a model that are used, because the memory of its cache is told for all of them. */
const MOST_POSITIONS = 2048;
/** Of a file that is read whole: a tokenizer with 250,000 tokens is smaller. */
const MOST_TEXT_BYTES = 2 ** 26;
/** The name of a model that was trained to answer yes or no to a template of its own. */
const RERANKER_NAME = /rerank/iu;

/** The ending of llama.cpp's files. */
export const GGUF = '.gguf';

/** What is known of a model before its weights are loaded. */
interface ForeignParts {
  readonly name: string;
  readonly config: ModelConfig;
  readonly tokenizerJson: object;
  readonly chatTemplate: string | undefined;
  readonly bos: string | undefined;
  readonly eos: string | undefined;
  readonly weights: WeightSource;
  /** Bytes that identify the weights. */
  readonly files: readonly ByteSource[];
  readonly storedAs: string;
}

/** A model in a GGUF file. @param name - of the file @throws {LabError} naming the key or tensor that cannot be used */
export async function readGgufModel(source: ByteSource, name: string): Promise<ModelSource> {
  const file = await readGguf(source);
  const config = capped(fromGgufMetadata(file.metadata, file.tensors));
  const { json: tokenizerJson, bos, eos, chatTemplate } = ggufTokenizer(file.metadata);
  const weights = await ggufWeights(file, source, config);
  const kinds = new Set([...file.tensors.values()].map(({ type }) => type));
  const title = file.metadata.get('general.name');
  return modelOf({
    name: typeof title === 'string' && title !== '' ? title : name,
    config,
    tokenizerJson,
    chatTemplate,
    bos,
    eos,
    weights,
    files: [source],
    storedAs: `GGUF, ${[...kinds].join(', ')}`,
  });
}

const TokenSchema = v.nullish(
  v.union([
    v.string(),
    v.pipe(
      v.looseObject({ content: v.string() }),
      v.transform(({ content }) => content),
    ),
  ]),
);
const TokenizerConfigSchema = v.looseObject({
  bos_token: TokenSchema,
  eos_token: TokenSchema,
  chat_template: v.nullish(v.union([v.string(), v.array(v.looseObject({ name: v.string(), template: v.string() }))])),
});

/**
 * A model in a Hugging Face folder; undefined for another folder, and for that of a model of the lab, whose own files
 * say what it has learned, even where they are missing.
 *
 * @param files - of the folder, by name
 * @throws {LabError} `not-found` naming a file that is missing; or what the parts throw
 */
export async function readHuggingFaceModel(
  files: ReadonlyMap<string, ByteSource>,
  name: string,
): Promise<ModelSource | undefined> {
  if (!files.has('config.json') || !files.has('tokenizer.json') || files.has('lab.json')) return undefined;
  const tokenizerJson = await jsonOf(files, 'tokenizer.json');
  if (holdsToken(tokenizerJson, ANSWER)) return undefined;
  const config = capped(fromHuggingFaceConfig(await jsonOf(files, 'config.json')));
  const settings = v.safeParse(TokenizerConfigSchema, await jsonOf(files, 'tokenizer_config.json', {}));
  const { bos_token: bos, eos_token: eos, chat_template: template } = settings.success ? settings.output : {};
  const apart = files.get('chat_template.jinja');
  const chosen = Array.isArray(template)
    ? (template.find((each) => each.name === 'default') ?? template[0])?.template
    : template;
  const { parts, index } = await weightFiles(files);
  return modelOf({
    name,
    config,
    tokenizerJson: tokenizerJson as object,
    chatTemplate: apart === undefined ? (chosen ?? undefined) : await textOf(apart, 'chat_template.jinja'),
    bos: bos ?? undefined,
    eos: eos ?? undefined,
    weights: await safetensorsWeights(parts, index),
    files: [...parts.values()],
    storedAs: 'safetensors',
  });
}

async function weightFiles(
  files: ReadonlyMap<string, ByteSource>,
): Promise<{ readonly parts: ReadonlyMap<string, ByteSource>; readonly index?: ShardIndex }> {
  const whole = files.get('model.safetensors');
  if (whole !== undefined) return { parts: new Map([['model.safetensors', whole]]) };
  const stored = files.get(SHARD_INDEX);
  if (stored === undefined) throw missing('model.safetensors');
  const index = readShardIndex(await bytesOf(stored, SHARD_INDEX));
  const parts = [...new Set(index.values())].map((name) => [name, files.get(name) ?? raise(missing(name))] as const);
  return { parts: new Map(parts), index };
}

async function modelOf(parts: ForeignParts): Promise<ModelSource> {
  const { name, config, tokenizerJson, weights } = parts;
  const isReranker = RERANKER_NAME.test(name);
  const scale = isReranker ? BINARY_SCALE : DEFAULT_SCALE;
  const instruction = isReranker ? noInstruction(scale.size) : startInstruction(scale.size);
  const wording = wordingOf(parts, scale, instruction, isReranker);
  const tokenizer = new WordedTokenizer(tokenizerJson, wording); // before the weights are read for their hash
  const lab: LabFile = {
    schemaVersion: 1,
    prompt: promptOf(scale),
    scale: { names: [...scale.names], rubric: [...scale.rubric] },
    otherScales: [],
    instruction: instruction.rules.length === 0 ? null : instruction,
    tailRules: [],
    lexicon: { brands: [], types: {}, attributes: {}, audiences: [] },
    readsTitles: false,
    examples: EXAMPLES,
    wording: tokenizer.wording,
  };
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const files = new Map<ModelFileName, Uint8Array>([
    ['config.json', json(toHuggingFaceConfig(config))],
    ['tokenizer.json', json(tokenizerJson)],
    ['lab.json', json(lab)],
    ['card.json', json(cardOf(parts, wording, await hashOf(parts.files)))],
  ]);
  return Object.assign(files, { weights });
}

function wordingOf(
  { chatTemplate, bos, eos, tokenizerJson }: ForeignParts,
  scale: LabelScale,
  instruction: Instruction,
  isReranker: boolean,
): Wording {
  const end = eos ?? lastAdded(tokenizerJson);
  if (isReranker) return { ...RERANKER, labels: [...RERANKER.labels], end };
  const frame: ChatFrame = chatTemplate === undefined ? PLAIN_FRAME : chatFrame(chatTemplate, { bos, eos });
  const labels = scale.names.map((_, label) => String(label));
  return { labels, restated: RESTATED, end, document: '', words: wordsOf(frame, scale, labels, instruction) };
}

/** The end token of a vocabulary whose files do not name it. */
function lastAdded(tokenizerJson: object): string {
  const AddedSchema = v.looseObject({ added_tokens: v.array(v.looseObject({ content: v.string() })) });
  const content = v.is(AddedSchema, tokenizerJson) ? tokenizerJson.added_tokens.at(-1)?.content : undefined;
  if (content !== undefined) return content;
  throw new LabError('bad-tokenizer', {
    message: 'Nothing says which token ends a completion.',
    expected: 'eos_token in tokenizer_config.json',
  });
}

function promptOf({ size }: LabelScale): PromptConfig {
  return v.parse(promptConfigSchema, {
    scaleSize: size,
    caseFold: false,
    folding: CURRENT_FOLDING,
    hints: false,
    maxWordsPerField: { query: 32, title: 48, brand: 8, type: 8, attributes: 64, text: 160 },
  });
}

function cardOf({ name, config, storedAs }: ForeignParts, { labels }: Wording, sha256: string): ModelCard {
  return {
    schemaVersion: 1,
    name,
    description: `An imported language model. Its answer is one of the tokens ${labels.map((label) => JSON.stringify(label)).join(', ')}.`,
    parameters: countParameters(config),
    dtype: storedAs,
    data: { name: 'unknown', hash: '', trainPairs: 0 },
    training: { command: 'imported', seed: 0, steps: 0, tokens: 0, device: 'elsewhere', date: '' },
    imported: { sha256 },
    evaluation: null,
    curve: [],
    limits: [
      'It was not trained for relevance by the lab, so its labels may be worth little: measure it on judged pairs ("lab score").',
      'The label mass says how much of its probability is on labels at all.',
    ],
  };
}

/** Pairs to try, and to warm up with. */
const EXAMPLES: LabFile['examples'] = [
  {
    name: 'the right thing',
    pair: {
      query: 'stainless steel kettle 1.5 l',
      document: {
        docId: '',
        title: 'Stainless steel kettle, 1.5 l',
        brand: '',
        type: 'kettle',
        attributes: {},
        text: '',
      },
    },
  },
  {
    name: 'another thing',
    pair: {
      query: 'stainless steel kettle 1.5 l',
      document: { docId: '', title: 'Garden hose with sprayer', brand: '', type: 'hose', attributes: {}, text: '' },
    },
  },
];

function capped(config: ModelConfig): ModelConfig {
  return { ...config, maxPositions: Math.min(config.maxPositions, MOST_POSITIONS) };
}

/** The SHA-256 of some files, one after the other. */
async function hashOf(files: readonly ByteSource[]): Promise<string> {
  const hash = new Sha256();
  const PIECE = 2 ** 23;
  for (const file of files) {
    for (let at = 0; at < file.sizeBytes; at += PIECE) {
      hash.add(await file.read(at, Math.min(at + PIECE, file.sizeBytes)));
    }
  }
  return hash.hex();
}

async function jsonOf(files: ReadonlyMap<string, ByteSource>, name: string, otherwise?: object): Promise<unknown> {
  const source = files.get(name);
  if (source === undefined) return otherwise ?? raise(missing(name));
  try {
    return JSON.parse(await textOf(source, name)) as unknown;
  } catch (cause) {
    if (cause instanceof LabError) throw cause;
    throw new LabError('bad-config', { message: `${name} of the model is not JSON.`, cause });
  }
}

async function textOf(source: ByteSource, name: string): Promise<string> {
  return new TextDecoder().decode(await bytesOf(source, name));
}

async function bytesOf(source: ByteSource, name: string): Promise<Uint8Array<ArrayBuffer>> {
  if (source.sizeBytes <= MOST_TEXT_BYTES) return source.read(0, source.sizeBytes);
  throw new LabError('bad-file', {
    message: `${name} of the model is too large.`,
    expected: `at most ${MOST_TEXT_BYTES} bytes`,
    got: String(source.sizeBytes),
  });
}

function missing(name: string): LabError {
  return new LabError('not-found', {
    message: `The model has no ${name}.`,
    expected: 'a Hugging Face folder with config.json, tokenizer.json and safetensors, or a GGUF file',
    fix: 'Save the model with save_pretrained; .bin and .pt files are not read.',
  });
}

function raise(error: Error): never {
  throw error;
}
