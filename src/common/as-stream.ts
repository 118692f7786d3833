/** Items that are all there, for code that takes them one by one as they come. */
export async function* asStream<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
