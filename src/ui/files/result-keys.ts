/** The keys of the results and their actions. Keys typed into a field, or with a modifier, have no action. */

export type KeyAction =
  | { readonly kind: 'pair'; readonly step: number }
  | { readonly kind: 'query'; readonly step: number }
  | { readonly kind: 'grade'; readonly label: number | null }
  | { readonly kind: 'undo' | 'reason' | 'disagreement' | 'filter' | 'help' };

const ACTIONS: Readonly<Record<string, KeyAction>> = {
  j: { kind: 'pair', step: 1 },
  k: { kind: 'pair', step: -1 },
  J: { kind: 'query', step: 1 },
  K: { kind: 'query', step: -1 },
  x: { kind: 'grade', label: null },
  u: { kind: 'undo' },
  e: { kind: 'reason' },
  d: { kind: 'disagreement' },
  '/': { kind: 'filter' },
  '?': { kind: 'help' },
};

/** The action of a key; undefined for keys without one. */
export function actionOf(event: KeyboardEvent): KeyAction | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return undefined;
  const [target] = event.composedPath();
  if (
    target instanceof HTMLInputElement ||
    target instanceof HTMLSelectElement ||
    target instanceof HTMLTextAreaElement
  ) {
    return undefined;
  }
  if (/^[0-5]$/u.test(event.key)) return { kind: 'grade', label: Number(event.key) };
  return ACTIONS[event.key];
}
