/**
 * Reads a sampled completion and remembers which of its tokens said what, so that an advantage earned by a segment can
 * be given to the tokens that wrote it.
 *
 *     label | rule criterion evidence verdict | rule ... verdict | restated label  eos
 *       0   |            step 0               |      step 1      |    closing
 *
 * The first token is the answer, whatever it turned out to be. All others are reasoning: those of a completed step
 * belong to that step; the rest (restated label, end token, a step that never ended, anything after a break of the
 * grammar) belongs to no step.
 */
import { type TokenSource, TokenStream } from '../data/tokenizer/token-stream.ts';
import { type ParsedTrace, TraceParser } from '../relevance/trace/trace.ts';

/** The tokens from `start` to before `end` of a completion. */
export interface TokenSpan {
  readonly start: number;
  readonly end: number;
}

/** A completion, taken apart. */
export interface ReadCompletion {
  readonly parsed: ParsedTrace;
  /** One per completed step, in order: from its rule token to its verdict. */
  readonly steps: readonly TokenSpan[];
}

/** Reads the tokens of a completion; never throws for what a model may write. */
export function readCompletion(source: TokenSource, ids: readonly number[], scaleSize: number): ReadCompletion {
  const parser = new TraceParser(scaleSize);
  const stream = new TokenStream(source);
  const steps: TokenSpan[] = [];
  let start = 1;
  for (const [position, id] of ids.entries()) {
    for (const segment of stream.push(id)) {
      const event = parser.push(segment);
      if (event?.kind !== 'step') continue;
      steps.push({ start, end: position + 1 });
      start = position + 1;
    }
  }
  if (!parser.isOver) for (const segment of stream.end()) parser.push(segment);
  return { parsed: parser.finish(), steps };
}
