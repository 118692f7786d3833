/**
 * Reads a list of segments from left to right where the grammar is fixed: prompts, and files of prompts. (Completions
 * come from a model and may be anything; trace.ts parses them without throwing.)
 */
import { LabError } from '../../common/errors.ts';
import type { Segment } from './segments.ts';
import { tidyText } from '../pair/plain-folding.ts';

/** A position in a list of segments, and the reads possible there. */
export interface SegmentReader {
  /** Whether this special token is next. */
  isNext(token: string): boolean;
  /** Consumes this special token if it is next; returns whether it was. */
  take(token: string): boolean;
  /** Consumes this special token. @throws {LabError} `bad-trace` if anything else is next. */
  expect(token: string): void;
  /**
   * Consumes the special token of one candidate and returns the candidate.
   *
   * @throws {LabError} `bad-trace` if none fits.
   */
  oneOf<T>(what: string, candidates: readonly T[], tokenOf: (candidate: T) => string): T;
  /** Consumes all text up to the next special token; '' if there is none. */
  text(): string;
  /** @throws {LabError} `bad-trace` if segments remain. */
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
