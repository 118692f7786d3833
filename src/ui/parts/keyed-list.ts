/**
 * Items by their keys: elements move with their items, and keep what was typed into them. Like lit's `repeat`, which
 * leaves a comment in the page for each item that is removed (3.3.3): a page that trains for a day would hold as many.
 */
import { noChange } from 'lit';
import { type ChildPart, directive, Directive } from 'lit/directive.js';
import { clearPart, insertPart, removePart, setChildPartValue, setCommittedValue } from 'lit/directive-helpers.js';

type Keyed = readonly (readonly [key: unknown, template: unknown])[];

class KeyedList extends Directive {
  #parts: ReadonlyMap<unknown, ChildPart> | undefined;

  render(_items: Keyed): unknown {
    return noChange;
  }

  override update(container: ChildPart, [items]: [Keyed]): unknown {
    if (this.#parts === undefined) clearPart(container);
    const left = new Map(this.#parts);
    const parts = new Map<unknown, ChildPart>();
    // From the last one on, each goes before the one after it; a part that is there already is not touched.
    let next: ChildPart | undefined;
    for (const [key, template] of items.toReversed()) {
      const known = left.get(key);
      const part = known === undefined ? insertPart(container, next) : insertPart(container, next, known);
      left.delete(key);
      parts.set(key, setChildPartValue(part, template));
      next = part;
    }
    for (const part of left.values()) {
      const { endNode } = part;
      removePart(part);
      endNode?.parentNode?.removeChild(endNode);
    }
    this.#parts = parts;
    // An array, so that lit passes on whether the page shows them.
    setCommittedValue(container, [...parts.values()].toReversed());
    return noChange;
  }
}

const listOf = directive(KeyedList);

/** @param keyOf - different for each item */
export function keyedList<Item>(
  items: Iterable<Item>,
  keyOf: (item: Item, index: number) => unknown,
  template: (item: Item, index: number) => unknown,
): unknown {
  return listOf([...items].map((item, i) => [keyOf(item, i), template(item, i)] as const));
}
