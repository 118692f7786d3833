/**
 * The `tokenizer.json` of a language model that the lab did not train: byte-level BPE with any splitting into words and
 * any normalisation that `@huggingface/tokenizers` knows (GPT-2, Qwen2, Llama 3, SmolLM2).
 *
 * It is checked here, before the library sees it, because the library trusts its input.
 */
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import { fromByteCharacters } from './byte-level.ts';
import { UNUSED } from './model-tokenizer.ts';
import type { Token } from './token-stream.ts';
import { vocabSchema } from './tokenizer-json.ts';

/** More than the vocabulary of any model of today. */
const MOST_TOKENS = 2 ** 20;
const MOST_ADDED = 4096;
const MOST_CHARACTERS = 1024;

const part = v.looseObject({ type: v.string() });

const foreignSchema = v.looseObject({
  added_tokens: v.pipe(
    v.array(
      v.looseObject({
        id: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MOST_TOKENS)),
        content: v.pipe(v.string(), v.nonEmpty(), v.maxLength(MOST_CHARACTERS)),
      }),
    ),
    v.maxLength(MOST_ADDED),
  ),
  normalizer: v.nullish(part),
  pre_tokenizer: part,
  decoder: v.nullish(part),
  model: v.looseObject({
    type: v.optional(v.literal('BPE'), 'BPE'),
    vocab: vocabSchema,
    merges: v.array(v.union([v.string(), v.strictTuple([v.string(), v.string()])])),
    byte_fallback: v.optional(v.literal(false), false),
  }),
});

/** The contents of such a file. */
export type ForeignTokenizerJson = v.InferOutput<typeof foreignSchema>;

/** A foreign vocabulary. */
export interface ForeignVocabulary {
  readonly json: ForeignTokenizerJson;
  /** Token i; a special token where the file has none. */
  readonly tokens: readonly Token[];
  /** The ids of special tokens by their text. */
  readonly specialIds: ReadonlyMap<string, number>;
}

/**
 * Reads the contents of a `tokenizer.json`.
 *
 * @throws {LabError} `bad-tokenizer` if it is no byte-level BPE, naming the place
 */
export function readForeignJson(value: unknown): ForeignVocabulary {
  const parsed = v.safeParse(foreignSchema, value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw foreign(`at "${v.getDotPath(issue) ?? 'top level'}"`, issue.expected ?? 'another value', issue.received);
  }
  const json = parsed.output;
  if (!isByteLevel(json.pre_tokenizer) && !isByteLevel(json.decoder)) {
    throw foreign('at "pre_tokenizer"', 'ByteLevel, alone or in a Sequence', json.pre_tokenizer.type);
  }
  const specialIds = new Map(json.added_tokens.map(({ content, id }) => [content, id]));
  const tokens = tokensOf(json, specialIds);
  checkMerges(json, tokens.length);
  return { json, tokens, specialIds };
}

function tokensOf({ model }: ForeignTokenizerJson, specialIds: ReadonlyMap<string, number>): readonly Token[] {
  const entries = Object.entries(model.vocab);
  const largest = Math.max(
    entries.reduce((most, [, id]) => Math.max(most, id), -1),
    ...specialIds.values(),
  );
  if (largest >= MOST_TOKENS) throw foreign('in its vocabulary', `ids below ${MOST_TOKENS}`, String(largest));
  const tokens = Array.from({ length: largest + 1 }, () => UNUSED);
  for (const [text, id] of entries) {
    if (specialIds.has(text)) continue;
    const bytes = id < 0 ? undefined : fromByteCharacters(text);
    if (bytes === undefined)
      throw foreign('in its vocabulary', 'tokens of GPT-2 byte characters', JSON.stringify(text));
    if (tokens[id] !== UNUSED) throw foreign(`at token ${JSON.stringify(text)}`, 'every id once', String(id));
    tokens[id] = { kind: 'bytes', bytes };
  }
  for (const [token, id] of specialIds) tokens[id] = { kind: 'special', token };
  return tokens;
}

function checkMerges({ model }: ForeignTokenizerJson, size: number): void {
  if (model.merges.length > 2 * size)
    throw foreign('in its merges', `at most ${2 * size}`, String(model.merges.length));
  for (const [rank, merge] of model.merges.entries()) {
    const [left = '', right = ''] = typeof merge === 'string' ? splitMerge(merge) : merge;
    if (!Object.hasOwn(model.vocab, left) || !Object.hasOwn(model.vocab, right)) {
      throw foreign(`at merge ${rank}`, 'two tokens of the vocabulary', JSON.stringify(merge));
    }
  }
}

function splitMerge(merge: string): readonly string[] {
  const space = merge.indexOf(' ');
  return [merge.slice(0, space), merge.slice(space + 1)];
}

/** Whether a step, or one of a sequence of steps, writes text in the byte alphabet. */
function isByteLevel(step: v.InferOutput<typeof part> | null | undefined): boolean {
  if (step === null || step === undefined) return false;
  const { type, pretokenizers, decoders } = step;
  const inside = [pretokenizers, decoders].flatMap((list): unknown[] => (Array.isArray(list) ? list : []));
  return type === 'ByteLevel' || inside.some((each) => v.is(part, each) && each.type === 'ByteLevel');
}

function foreign(place: string, expected: string, got: string): LabError {
  return new LabError('bad-tokenizer', {
    message: `The tokenizer file is not one that the lab reads (${place}).`,
    expected,
    got,
    fix: 'Use a model with a byte-level BPE tokenizer, such as Qwen2, Qwen3, Llama 3 or SmolLM2.',
  });
}
