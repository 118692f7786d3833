/**
 * Reads a sampled completion and records which segment each token belongs to, so that the advantage of a segment can be
 * assigned to its tokens.
 *
 *     label | rule criterion evidence verdict | rule ... verdict | restated label  eos
 *       0   |            step 0               |      step 1      |    closing
 *
 * The first token is the answer, whatever it is. All others are reasoning: the tokens of a completed step belong to
 * that step; the rest (restated label, end token, an unfinished step, anything after a grammar error) belongs to no
 * step.
 */
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import { type ParsedTrace, TraceParser } from '../relevance/trace/trace.ts';

/** The tokens from `start` up to, but not including, `end`. */
export interface TokenSpan {
  readonly start: number;
  readonly end: number;
}

/** A completion split into segments. */
export interface ReadCompletion {
  readonly parsed: ParsedTrace;
  /** One per completed step, in order: from its rule token to its verdict. */
  readonly steps: readonly TokenSpan[];
}

/** Reads the tokens of a completion; never throws, whatever a model writes. */
export function readCompletion(
  source: Pick<ModelTokenizer, 'stream'>,
  ids: readonly number[],
  scaleSize: number,
): ReadCompletion {
  const parser = new TraceParser(scaleSize);
  const stream = source.stream();
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
  for (const segment of stream.end()) parser.push(segment);
  return { parsed: parser.finish(), steps };
}
