/**
 * The one place that knows the former names of keys in stored JSON. Checkpoints, kept branches, recordings and step
 * records that earlier versions wrote pass through here before they are parsed.
 */

/** The present name of each key, by its former one. */
const PRESENT_NAMES: ReadonlyMap<string, string> = new Map([
  ['dial', 'coefficient'],
  ['dialMoves', 'coefficientMoves'],
  ['tales', 'history'],
]);
/** Keys whose values hold renamed keys. No other is entered, because settings and pairs have keys of the user's own. */
const ENTERED: ReadonlySet<string> = new Set(['balance', 'history']);

/** A stored value with its keys under their present names; a list is renamed element by element. */
export function renameOldKeys(stored: unknown): unknown {
  if (Array.isArray(stored)) return stored.map(renameOldKeys);
  if (typeof stored !== 'object' || stored === null) return stored;
  const entries = Object.entries(stored).map(([key, value]: [string, unknown]): [string, unknown] => {
    const name = PRESENT_NAMES.get(key) ?? key;
    return [name, ENTERED.has(name) ? renameOldKeys(value) : value];
  });
  return Object.fromEntries(entries);
}
