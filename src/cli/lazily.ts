/**
 * Actions that are loaded when they run: what a command does needs the engine, its `--help` does not.
 */

/** An action in place of the one that `load` gives. */
export function lazily<Args extends readonly unknown[]>(
  load: () => Promise<(...args: Args) => Promise<void>>,
): (...args: Args) => Promise<void> {
  return async (...args) => (await load())(...args);
}
