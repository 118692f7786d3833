/**
 * The file of a lab tokenizer: Hugging Face's `tokenizer.json`, so that other tools can read what the lab trained.
 *
 * Only lab tokenizers are accepted: byte-level BPE without normalisation, so that text survives encoding unchanged,
 * with the lab's special tokens at the ids from 0 on. Other fields are ignored.
 */
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import { BYTE_ALPHABET, fromByteCharacters } from './byte-level.ts';

// A custom record check, because valibot's `record` drops keys such as "constructor", which are ordinary words here.
export const vocabSchema = v.custom<Readonly<Record<string, number>>>(
  (value) => typeof value === 'object' && value !== null && Object.values(value).every((id) => Number.isInteger(id)),
  'Expected an object from tokens to whole numbers',
);

const tokenizerSchema = v.looseObject({
  added_tokens: v.array(v.looseObject({ id: v.number(), content: v.string(), special: v.boolean() })),
  normalizer: v.optional(v.null(), null),
  pre_tokenizer: v.looseObject({
    type: v.literal('ByteLevel'),
    add_prefix_space: v.literal(false),
    use_regex: v.optional(v.literal(true), true),
  }),
  decoder: v.looseObject({ type: v.literal('ByteLevel') }),
  model: v.looseObject({
    type: v.literal('BPE'),
    vocab: vocabSchema,
    merges: v.array(v.union([v.pipe(v.string(), v.includes(' ')), v.strictTuple([v.string(), v.string()])])),
  }),
});

/** The contents of a `tokenizer.json` that the lab can use. */
export type TokenizerJson = v.InferOutput<typeof tokenizerSchema>;

/** What determines a byte-level BPE tokenizer: token i is `tokens[i]`; earlier merges have priority. */
export interface BpeModel {
  readonly tokens: readonly string[];
  readonly merges: readonly (readonly [left: string, right: string])[];
  readonly specialTokens: readonly string[];
}

/**
 * The complete `tokenizer.json` of a model. Merges are written as `"left right"`, which every version of the format
 * supports.
 */
export function makeTokenizerJson({ tokens, merges, specialTokens }: BpeModel): TokenizerJson {
  const traits = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => ({ id, content, ...traits })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map(([left, right]) => `${left} ${right}`),
    },
  };
}

/**
 * Validates the contents of a `tokenizer.json` and extracts its model.
 *
 * @throws {LabError} `bad-tokenizer` if it is not a byte-level BPE tokenizer with exactly these special tokens.
 */
export function readTokenizerJson(value: unknown, specialTokens: readonly string[]): BpeModel {
  const parsed = v.safeParse(tokenizerSchema, value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw badTokenizer(`at "${v.getDotPath(issue) ?? 'top level'}"`, issue.expected ?? 'another value', issue.received);
  }
  const { added_tokens: added, model } = parsed.output;
  const tokens = tokensById(model.vocab);
  const merges = model.merges.map((merge) => (typeof merge === 'string' ? splitMerge(merge) : merge));
  checkSpecialTokens(tokens, added, specialTokens);
  checkBytes(tokens, specialTokens.length);
  checkMerges(tokens, merges, specialTokens);
  return { tokens, merges, specialTokens };
}

/** Whether a `tokenizer.json` has a special token; false for other values. */
export function holdsToken(value: unknown, token: string): boolean {
  const shape = v.object({ added_tokens: v.array(v.object({ content: v.string() })) });
  return v.is(shape, value) && value.added_tokens.some(({ content }) => content === token);
}

function tokensById(vocab: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(vocab);
  const tokens: string[] = [];
  for (const [token, id] of entries) {
    if (id < 0 || id >= entries.length || tokens[id] !== undefined) {
      throw badTokenizer(
        `at token ${JSON.stringify(token)}`,
        `ids from 0 to ${entries.length - 1}, each once`,
        String(id),
      );
    }
    tokens[id] = token;
  }
  return tokens;
}

function checkSpecialTokens(
  tokens: readonly string[],
  added: readonly { id: number; content: string }[],
  expected: readonly string[],
): void {
  const contentOf = new Map(added.map(({ id, content }) => [id, content]));
  for (const [id, token] of expected.entries()) {
    const got = contentOf.get(id) ?? 'none';
    if (got !== token || tokens[id] !== token) throw badTokenizer(`at special token ${id}`, token, got);
  }
  if (added.length !== expected.length) {
    throw badTokenizer('in its added tokens', `${expected.length} special tokens`, String(added.length));
  }
}

function checkBytes(tokens: readonly string[], firstId: number): void {
  const plain = new Set(tokens.slice(firstId));
  const missing = BYTE_ALPHABET.find((character) => !plain.has(character));
  if (missing !== undefined) {
    throw badTokenizer('in its vocabulary', 'all 256 bytes', `none for ${JSON.stringify(missing)}`);
  }
  const foreign = tokens.slice(firstId).find((token) => token === '' || fromByteCharacters(token) === undefined);
  if (foreign !== undefined) {
    throw badTokenizer('in its vocabulary', 'tokens of GPT-2 byte characters', JSON.stringify(foreign));
  }
}

function checkMerges(
  tokens: readonly string[],
  merges: readonly (readonly [string, string])[],
  specialTokens: readonly string[],
): void {
  // A merge that forms a special token would turn text into structure.
  const plain = new Set(tokens.slice(specialTokens.length));
  for (const [rank, [left, right]] of merges.entries()) {
    const strange = [left, right, left + right].find((token) => !plain.has(token));
    if (strange !== undefined) {
      throw badTokenizer(`at merge ${rank}`, 'parts and result in the vocabulary of text', JSON.stringify(strange));
    }
  }
}

function splitMerge(merge: string): readonly [string, string] {
  const space = merge.indexOf(' ');
  return [merge.slice(0, space), merge.slice(space + 1)];
}

function badTokenizer(place: string, expected: string, got: string): LabError {
  return new LabError('bad-tokenizer', {
    message: `The tokenizer file is not valid (${place}).`,
    expected,
    got,
    fix: 'Use a tokenizer trained by this lab: a byte-level BPE with the special tokens of this version.',
  });
}
