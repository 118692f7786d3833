/**
 * Reads a list of segments from left to right, where the reader knows what must come: prompts, and files of them.
 * (Completions come from a model and may be anything: trace.ts reads them without throwing.)
 */
import { LabError } from '../../common/errors.ts';
import type { Segment } from './segments.ts';
import { tidyText } from '../pair/plain-folding.ts';

/** A position in a list of segments and what may be done there. */
export interface SegmentReader {
  /** Whether this special token is next. */
  isNext(token: string): boolean;
  /** Takes this special token if it is next, and says whether it was. */
  take(token: string): boolean;
  /** Takes this special token. @throws {LabError} `bad-trace` if anything else is next. */
  expect(token: string): void;
  /** Takes the special token of one candidate and returns the candidate. @throws {LabError} `bad-trace` if none fits. */
  oneOf<T>(what: string, candidates: readonly T[], tokenOf: (candidate: T) => string): T;
  /** Takes all text up to the next special token; '' if there is none. */
  text(): string;
  /** @throws {LabError} `bad-trace` if anything is left. */
  expectEnd(): void;
}

/** A reader at the start of `segments`; `place` names them in errors. */
export function readSegments(place: string, segments: readonly Segment[]): SegmentReader {
  let position = 0;
  const nextToken = (): string | undefined => {
    const segment = segments[position];
    return segment?.kind === 'special' ? segment.token : undefined;
  };
  const fail = (expected: string): never => {
    const segment = segments[position];
    const got =
      segment === undefined ? 'the end' : segment.kind === 'special' ? segment.token : `text "${segment.text}"`;
    throw new LabError('bad-trace', { message: `The ${place} cannot be read at segment ${position}.`, expected, got });
  };
  const take = (token: string): boolean => {
    if (nextToken() !== token) return false;
    position++;
    return true;
  };
  return {
    take,
    isNext: (token) => nextToken() === token,
    expect: (token) => {
      if (!take(token)) fail(token);
    },
    oneOf: (what, candidates, tokenOf) => candidates.find((candidate) => take(tokenOf(candidate))) ?? fail(what),
    text: () => {
      let text = '';
      for (let segment = segments[position]; segment?.kind === 'text'; segment = segments[position]) {
        text += segment.text;
        position++;
      }
      return tidyText(text);
    },
    expectEnd: () => {
      if (position < segments.length) fail('the end');
    },
  };
}
