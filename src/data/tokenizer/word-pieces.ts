/**
 * The WordPiece tokenizer of a BERT checkpoint. `@huggingface/tokenizers` normalises and splits; like that of the
 * decoder it gets no added tokens, so that a document with the text `[SEP]` stays text.
 */
import { Tokenizer } from '@huggingface/tokenizers';
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';

const WordPieceSchema = v.object({
  model: v.object({ type: v.literal('WordPiece'), vocab: v.record(v.string(), v.number()) }),
});

/** Marks a sequence's begin and end. */
const [BEGIN, END] = ['[CLS]', '[SEP]'] as const;

/** Text to the ids of word pieces. */
export class WordPieces {
  /** The pieces by id; `##` marks those that continue a word. */
  readonly pieces: readonly string[];
  readonly #tokenizer: Tokenizer;
  readonly #begin: number;
  readonly #end: number;

  private constructor(json: Readonly<Record<string, unknown>>, vocab: Readonly<Record<string, number>>) {
    this.#tokenizer = new Tokenizer({ ...json, added_tokens: [], truncation: null, padding: null }, {});
    const pieces: string[] = [];
    for (const [piece, id] of Object.entries(vocab)) pieces[id] = piece;
    this.pieces = pieces;
    [this.#begin, this.#end] = [idOf(vocab, BEGIN), idOf(vocab, END)];
  }

  /**
   * A tokenizer from the parsed contents of a `tokenizer.json`.
   *
   * @throws {LabError} `bad-tokenizer` for another kind
   */
  static fromJson(json: unknown): WordPieces {
    const read = v.safeParse(WordPieceSchema, json);
    if (read.success) return new WordPieces(json as Readonly<Record<string, unknown>>, read.output.model.vocab);
    throw new LabError('bad-tokenizer', {
      message: 'The tokenizer.json of the encoder is not usable.',
      expected: 'a WordPiece tokenizer, as BERT has',
      fix: 'Use the folder of a BERT checkpoint, for example all-MiniLM-L6-v2.',
    });
  }

  /** The ids of a text between those of its begin and end; at most `maxTokens`, the end included. */
  encode(text: string, maxTokens: number): Int32Array {
    const { ids } = this.#tokenizer.encode(text, { add_special_tokens: false });
    return this.between(ids.slice(0, Math.max(maxTokens - 2, 0)));
  }

  /** Some ids between those of begin and end. */
  between(ids: readonly number[]): Int32Array {
    return Int32Array.from([this.#begin, ...ids, this.#end]);
  }
}

function idOf(vocab: Readonly<Record<string, number>>, piece: string): number {
  const id = vocab[piece];
  if (id !== undefined) return id;
  throw new LabError('bad-tokenizer', { message: `The tokenizer.json of the encoder has no piece ${piece}.` });
}
