/**
 * Completions in words, read as they are generated: lines become the elements of the grammar, as a model of the lab
 * writes them in special tokens.
 *
 *     2                      the label
 *     C. brand               a rule and its criterion
 *     query: acme            evidence
 *     document: zenith
 *     mismatch               the verdict
 *     Label:2                the label restated
 *
 * Text has no line breaks, so that an element is known by its beginning. No element is the beginning of another one,
 * so that each is read as soon as it is complete.
 */
import { CRITERIA, criterionToken } from '../../relevance/pair/vocabulary.ts';
import { type Segment, special } from '../../relevance/trace/segments.ts';
import type { SegmentStream } from './model-tokenizer.ts';
import type { TokenSource } from './token-stream.ts';

/** The texts of elements, none the beginning of another one. */
export interface ElementTexts {
  /** Elements that begin a line, with the line break. */
  readonly lines: ReadonlyMap<string, string>;
  /** The special token of a criterion by its text, which only follows a rule. */
  readonly criteria: ReadonlyMap<string, string>;
  /** The rules among the special tokens. */
  readonly isRule: (token: string) => boolean;
  /** The special token of the first token of a completion, which is a label or none. */
  readonly labelOf: (id: number) => string | undefined;
  /** The special token of a token that ends a completion or pads it. */
  readonly endOf: (id: number) => string | undefined;
}

/** How a criterion is written behind its rule. */
export const CRITERION_TEXTS: ReadonlyMap<string, string> = new Map(
  CRITERIA.map((criterion) => [` ${criterion}`, criterionToken(criterion)]),
);

export class WordedStream implements SegmentStream {
  readonly #source: TokenSource;
  readonly #texts: ElementTexts;
  // A byte order mark is an ordinary character here, but TextDecoder drops it by default.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  /** Text that is not yet known to be an element or none. */
  #held = '';
  #isFirst = true;
  #isAfterRule = false;

  constructor(source: TokenSource, texts: ElementTexts) {
    this.#source = source;
    this.#texts = texts;
  }

  push(id: number): Segment[] {
    const label = this.#isFirst ? this.#texts.labelOf(id) : undefined;
    this.#isFirst = false;
    if (label !== undefined) return [special(label)];
    const end = this.#texts.endOf(id);
    const token = this.#source.tokenOf(id);
    if (end !== undefined) return [...this.end(), special(end)];
    if (token.kind === 'special') return [...this.end(), special(token.token)];
    this.#held += this.#decoder.decode(token.bytes, { stream: true });
    return this.#read(false);
  }

  end(): Segment[] {
    this.#held += this.#decoder.decode();
    return this.#read(true);
  }

  /** What the held text completes; all of it at the end. */
  #read(isEnd: boolean): Segment[] {
    const found: Segment[] = [];
    while (this.#held !== '') {
      const texts = this.#isAfterRule ? this.#texts.criteria : this.#texts.lines;
      const element = [...texts].find(([text]) => this.#held.startsWith(text));
      if (element !== undefined) {
        this.#held = this.#held.slice(element[0].length);
        this.#isAfterRule = this.#texts.isRule(element[1]);
        found.push(special(element[1]));
        continue;
      }
      const mayBecomeOne = [...texts.keys()].some((text) => text.startsWith(this.#held));
      if (mayBecomeOne && !isEnd) break;
      this.#isAfterRule = false;
      // An element begins with a line break, so there is none before the next one.
      const next = this.#held.indexOf('\n', 1);
      found.push({ kind: 'text', text: next < 0 ? this.#held : this.#held.slice(0, next) });
      this.#held = next < 0 ? '' : this.#held.slice(next);
    }
    return found;
  }
}
