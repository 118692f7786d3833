/**
 * `map` and `filter` of iterators for Node 20, whose V8 lacks them: `@jax-js/jax` calls both in `einsum`, which its
 * attention uses.
 */

const HELPERS = {
  *map(this: Iterable<unknown>, change: (value: unknown) => unknown): Generator {
    for (const value of this) yield change(value);
  },
  *filter(this: Iterable<unknown>, isKept: (value: unknown) => boolean): Generator {
    for (const value of this) if (isKept(value)) yield value;
  },
};

/** Adds the missing helpers to all built-in iterators. */
export function provideIteratorHelpers(): void {
  const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([].values())) as object;
  for (const [name, value] of Object.entries(HELPERS)) {
    if (name in iteratorPrototype) continue;
    Object.defineProperty(iteratorPrototype, name, { value, configurable: true, writable: true });
  }
}
