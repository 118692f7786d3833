/**
 * Methods of the browser's own classes with something done around them, for a while: how dispatches and bytes are counted
 * whoever makes them.
 */
export class WrappedMethods {
  readonly #restore: (() => void)[] = [];

  wrap<Type extends object, Name extends keyof Type>(
    prototype: Type,
    name: Name,
    around: (original: Type[Name]) => Type[Name],
  ): void {
    const original = prototype[name];
    Object.defineProperty(prototype, name, { value: around(original), configurable: true, writable: true });
    this.#restore.push(() => {
      Object.defineProperty(prototype, name, { value: original, configurable: true, writable: true });
    });
  }

  /** Puts all originals back. */
  restore(): void {
    for (const restore of this.#restore) restore();
  }
}
