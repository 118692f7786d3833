/**
 * What every client of a worker needs: to hear that its thread has broken, and to read what it sends.
 */
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';

/**
 * Rejects when the worker breaks. A script that cannot be fetched or parsed never answers: without this a call would wait
 * for ever.
 *
 * @param name - what the worker does, as in "The scoring worker"
 */
export function whenBroken(worker: Worker, name: string): Promise<never> {
  const broken = new Promise<never>((_, reject) => {
    worker.addEventListener('error', (event) => {
      const message = event.message || 'its script could not be loaded';
      reject(new LabError('internal', { message: `The ${name} worker failed: ${message}.`, fix: 'Reload the page.' }));
    });
  });
  broken.catch(() => undefined);
  return broken;
}

/** A message of a worker, or in one line why it cannot be understood. */
export function readMessage<Schema extends v.GenericSchema>(
  schema: Schema,
  message: unknown,
): { readonly value: v.InferOutput<Schema> } | { readonly problem: string } {
  const result = v.safeParse(schema, message);
  if (result.success) return { value: result.output };
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'event'}: ${issue.message}`);
  return { problem: `The worker sent a malformed event (${problems.join('; ')}).` };
}
