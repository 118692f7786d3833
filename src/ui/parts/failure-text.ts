/**
 * Headings for failures, in terms of what the reader wants to do. The failure's own message is shown below.
 */
import type { Failure } from '../../protocol/failure.ts';

/** The heading of a failure. */
export function failureHeading({ code }: Failure): string {
  switch (code) {
    case 'backend-lost':
      return 'The GPU was lost';
    case 'no-backend':
      return 'This browser cannot run the model';
    case 'not-found':
      return 'The model was not found';
    case 'out-of-memory':
      return 'The model does not fit into memory';
    case 'storage-full':
      return 'The storage of this browser is full';
    case 'storage-unavailable':
      return 'This browser stores nothing for the page';
    case 'not-finite':
      return 'The model computed a value that is not a number';
    case 'bad-checkpoint':
    case 'bad-config':
    case 'bad-file':
    case 'bad-instruction':
    case 'bad-tokenizer':
      return 'A file of the model cannot be used';
    case 'bad-shape':
    case 'bad-trace':
    case 'internal':
      return 'Something went wrong inside the lab';
    case 'aborted':
      return 'Stopped';
    default:
      return code satisfies never;
  }
}

/** The heading of a run's failure: codes about missing or unusable input refer to its data. */
export function trainingFailureHeading(failure: Failure): string {
  switch (failure.code) {
    case 'not-found':
      return 'Something that this run needs is missing';
    case 'bad-file':
      return 'The file cannot be used for training';
    case 'bad-config':
      return 'The settings of the run cannot be used';
    case 'bad-checkpoint':
      return 'The saved state of this run cannot be used';
    default:
      return failureHeading(failure);
  }
}
