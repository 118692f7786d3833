/**
 * A priority queue of token pairs for the training of the tokenizer: most frequent first, and of equally frequent
 * pairs the one with the smaller ids. The order is total, so that training gives one result whatever the order of
 * insertion.
 */

/** Two tokens side by side, and how often they stand so in the corpus. */
export interface PairCount {
  readonly left: number;
  readonly right: number;
  readonly count: number;
}

/** A binary heap of {@link PairCount}. Entries can grow stale; whoever pops compares `count` with the present one. */
export class MergeQueue {
  readonly #heap: PairCount[] = [];

  push(entry: PairCount): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || !comesBefore(entry, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = entry;
  }

  /** Takes out the first entry; undefined when there is none. */
  pop(): PairCount | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#sink(last);
    return first;
  }

  // Puts an entry in the place of the first one and lets it sink to where it belongs.
  #sink(entry: PairCount): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      if (child === undefined) break;
      const sibling = heap[childAt + 1];
      if (sibling !== undefined && comesBefore(sibling, child)) {
        child = sibling;
        childAt += 1;
      }
      if (!comesBefore(child, entry)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = entry;
  }
}

function comesBefore(a: PairCount, b: PairCount): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.left !== b.left ? a.left < b.left : a.right < b.right;
}
