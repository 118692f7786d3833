/** Headings of failures in the Files view. */
import type { Failure } from '../../protocol/failure.ts';
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
