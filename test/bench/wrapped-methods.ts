/**
 * Temporarily wraps methods of built-in classes, which counts dispatches and bytes independent of their caller.
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
