/**
 * Failures in the words of a person who wants to go on. The message of the failure itself is shown beneath.
 */
import type { Failure } from '../../protocol/failure.ts';

/** What happened, as a heading. */
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
      return 'This browser keeps nothing for the page';
    case 'not-finite':
      return 'The model computed a number that is none';
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

/** The same for a run: what it lacks or cannot use is what it learns from. */
export function trainingFailureHeading(failure: Failure): string {
  switch (failure.code) {
    case 'not-found':
      return 'What this run needs is not here';
    case 'bad-file':
      return 'The file cannot be learned from';
    case 'bad-config':
      return 'The run cannot be made as it is set';
    case 'bad-checkpoint':
      return 'What was saved of this run cannot be used';
    default:
      return failureHeading(failure);
  }
}
