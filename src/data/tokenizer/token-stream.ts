/**
 * Decoding while tokens arrive, as a model generates them. A character can span several tokens; its bytes are held
 * back until it is whole, so that no half character is ever shown.
 */
import { special, type Segment } from '../../relevance/trace/segments.ts';

/** What an id stands for: a special token, or some bytes of text, which may hold a part of a character only. */
export type Token =
  { readonly kind: 'special'; readonly token: string } | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** Where the meaning of ids comes from; a LabTokenizer is one. */
export interface TokenSource {
  tokenOf(id: number): Token;
}

/** One decoding under way. Joined, its pieces of text are those of `LabTokenizer.decode`. */
export class TokenStream {
  readonly #source: TokenSource;
  // A byte order mark is a character of the text like any other; by default TextDecoder drops it.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(source: TokenSource) {
    this.#source = source;
  }

  /**
   * Takes the next id and gives what is now certain: nothing while a character is incomplete.
   *
   * @throws {LabError} `bad-tokenizer` if it is no id.
   */
  push(id: number): Segment[] {
    const token = this.#source.tokenOf(id);
    if (token.kind === 'special') return [...this.end(), special(token.token)];
    return textSegment(this.#decoder.decode(token.bytes, { stream: true }));
  }

  /** Ends the run of text: a character that never became whole is given as U+FFFD. The stream can go on after it. */
  end(): Segment[] {
    return textSegment(this.#decoder.decode());
  }
}

function textSegment(text: string): Segment[] {
  return text === '' ? [] : [{ kind: 'text', text }];
}
