/**
 * The tokenizer in the metadata of a GGUF file, as the `tokenizer.json` that the model has elsewhere. GGUF names the
 * splitting into words (`tokenizer.ggml.pre`) and does not describe it.
 */
import type { GgufValue } from '../../checkpoint/gguf.ts';
import { LabError } from '../../common/errors.ts';

const GPT2_WORDS = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const BYTES_ALONE = { ...GPT2_WORDS, use_regex: false };

/** A regular expression splits, and the words are written as bytes. */
function splitBy(regex: string): object {
  const split = { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false };
  return { type: 'Sequence', pretokenizers: [split, BYTES_ALONE] };
}

/** Words, runs of other characters and line breaks; numbers by `digits`. Source: the tokenizer.json of Qwen2, Llama 3. */
function modernWords(digits: string): object {
  return splitBy(
    `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  );
}

interface Splitting {
  readonly pre_tokenizer: object;
  readonly normalizer: object | null;
  readonly ignore_merges: boolean;
}

/** By the names of llama.cpp. */
const SPLITTINGS: ReadonlyMap<string, Splitting> = new Map([
  ['gpt-2', { pre_tokenizer: GPT2_WORDS, normalizer: null, ignore_merges: false }],
  [
    'smollm',
    {
      pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, GPT2_WORDS] },
      normalizer: null,
      ignore_merges: false,
    },
  ],
  ['qwen2', { pre_tokenizer: modernWords('\\p{N}'), normalizer: { type: 'NFC' }, ignore_merges: false }],
  ['llama-bpe', { pre_tokenizer: modernWords('\\p{N}{1,3}'), normalizer: null, ignore_merges: true }],
]);

/** Types of tokens that are structure: control tokens, and those that a user has defined. */
const STRUCTURE: ReadonlySet<number> = new Set([3, 4]);

const TRAITS = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };

/** What a GGUF file says of its tokenizer. */
export interface GgufTokenizer {
  /** The contents of a `tokenizer.json`. */
  readonly json: object;
  readonly bos: string | undefined;
  readonly eos: string | undefined;
  readonly chatTemplate: string | undefined;
}

/** @throws {LabError} `bad-tokenizer` naming the key that is missing or that the lab does not read */
export function ggufTokenizer(metadata: ReadonlyMap<string, GgufValue>): GgufTokenizer {
  const kind = metadata.get('tokenizer.ggml.model');
  if (kind !== 'gpt2') throw unreadable('tokenizer.ggml.model', 'gpt2, which is byte-level BPE', kind);
  const splitting = SPLITTINGS.get(String(metadata.get('tokenizer.ggml.pre')));
  if (splitting === undefined) {
    const known = [...SPLITTINGS.keys()].join(', ');
    throw unreadable('tokenizer.ggml.pre', `one of ${known}`, metadata.get('tokenizer.ggml.pre'));
  }
  const tokens = textsOf(metadata, 'tokenizer.ggml.tokens');
  const types = metadata.get('tokenizer.ggml.token_type');
  const typeOf = (id: number): number => (ArrayBuffer.isView(types) && 'length' in types ? Number(types[id] ?? 1) : 1);
  const tokenAt = (key: string): string | undefined => tokens[Number(metadata.get(key) ?? -1)];
  const template = metadata.get('tokenizer.chat_template');
  return {
    json: {
      version: '1.0',
      added_tokens: tokens.flatMap((content, id) => (STRUCTURE.has(typeOf(id)) ? [{ id, content, ...TRAITS }] : [])),
      normalizer: splitting.normalizer,
      pre_tokenizer: splitting.pre_tokenizer,
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      model: {
        type: 'BPE',
        ignore_merges: splitting.ignore_merges,
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges: textsOf(metadata, 'tokenizer.ggml.merges'),
      },
    },
    bos: tokenAt('tokenizer.ggml.bos_token_id'),
    eos: tokenAt('tokenizer.ggml.eos_token_id'),
    chatTemplate: typeof template === 'string' ? template : undefined,
  };
}

function textsOf(metadata: ReadonlyMap<string, GgufValue>, key: string): readonly string[] {
  const value = metadata.get(key);
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw unreadable(key, 'a list of texts', value);
}

function unreadable(key: string, expected: string, value: GgufValue | undefined): LabError {
  return new LabError('bad-tokenizer', {
    message: `The tokenizer of the GGUF file cannot be read: ${key}.`,
    expected,
    got: value === undefined ? 'nothing' : typeof value === 'object' ? 'another kind of value' : String(value),
    fix: 'Use a model with a byte-level BPE tokenizer, such as Qwen2, Qwen3, Llama 3 or SmolLM2.',
  });
}
