/** Errors that say that there is no memory, which engines throw in classes that mean other things as well. */
import { LabError } from './errors.ts';

/**
 * The messages of failed allocations: engines throw plain RangeErrors, Emscripten throws plain Errors. A negative length
 * is a mistake, not a want of memory.
 */
const OUT_OF_MEMORY =
  /out of memory|allocation failed|allocation size overflow|could not allocate|cannot enlarge memory|invalid (typed )?array length(?!: -)|\boom\b/i;

/**
 * What was thrown, converted to `out-of-memory` if its message says so.
 *
 * @param fix - what the reader can do about it
 */
export function withMemoryNamed(thrown: unknown, fix: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof LabError || !OUT_OF_MEMORY.test(thrown.message)) return thrown;
  return new LabError('out-of-memory', { message: `Memory ran out: ${thrown.message}.`, fix, cause: thrown });
}
