/** Failures of the Files view, in words that say what to do next. */
import { LabError } from '../../common/errors.ts';
import type { Failure } from '../../protocol/failure.ts';
import { MAX_FILES } from '../../protocol/files.ts';
import { failureHeading } from '../parts/failure-text.ts';

export function filesFailureHeading(failure: Failure): string {
  switch (failure.code) {
    case 'bad-file':
      return 'This file cannot be judged as it is';
    case 'bad-config':
      return 'This request cannot be carried out';
    case 'bad-checkpoint':
      return 'The stored data cannot be used';
    case 'not-found':
      return 'It is no longer stored here';
    default:
      return failureHeading(failure);
  }
}

/** The error for more files than can be judged together. */
export function tooManyFiles(count: number): LabError {
  return new LabError('bad-file', {
    message: 'These files cannot be judged together.',
    expected: `at most ${MAX_FILES} files that belong together`,
    got: `${count} files`,
    fix: 'Choose the files of pairs, queries and documents alone.',
  });
}
