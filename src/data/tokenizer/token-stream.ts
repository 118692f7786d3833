/**
 * Decoding as a model generates tokens. A character can span several tokens; its bytes are held back until it is
 * complete, so that no partial character is ever shown.
 */
import { special, type Segment } from '../../relevance/trace/segments.ts';

/** The meaning of an id: a special token, or bytes of text, which may be part of a character. */
export type Token =
  { readonly kind: 'special'; readonly token: string } | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** Gives the meaning of ids, as a LabTokenizer does. */
export interface TokenSource {
  tokenOf(id: number): Token;
}

/** An incremental decoding of a vocabulary with a token for each element of the structure. */
export class TokenStream {
  readonly #source: TokenSource;
  // A byte order mark is an ordinary character here, but TextDecoder drops it by default.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(source: TokenSource) {
    this.#source = source;
  }

  /**
   * Decodes the next id and returns what is complete; nothing while a character is incomplete.
   *
   * @throws {LabError} `bad-tokenizer` if it is not an id.
   */
  push(id: number): Segment[] {
    const token = this.#source.tokenOf(id);
    if (token.kind === 'special') return [...this.end(), special(token.token)];
    return textSegment(this.#decoder.decode(token.bytes, { stream: true }));
  }

  /** Ends the run of text; an incomplete character becomes U+FFFD. The stream can be used further. */
  end(): Segment[] {
    return textSegment(this.#decoder.decode());
  }
}

function textSegment(text: string): Segment[] {
  return text === '' ? [] : [{ kind: 'text', text }];
}
