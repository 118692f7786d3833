/** The keys of the results: what each asks for. Keys that are typed into a field, or held with others, ask for nothing. */

export type KeyWish =
  | { readonly kind: 'pair'; readonly step: number }
  | { readonly kind: 'query'; readonly step: number }
  | { readonly kind: 'grade'; readonly label: number }
  | { readonly kind: 'undo' | 'reason' | 'disagreement' | 'filter' | 'help' };

const WISHES: Readonly<Record<string, KeyWish>> = {
  j: { kind: 'pair', step: 1 },
  k: { kind: 'pair', step: -1 },
  J: { kind: 'query', step: 1 },
  K: { kind: 'query', step: -1 },
  u: { kind: 'undo' },
  e: { kind: 'reason' },
  d: { kind: 'disagreement' },
  '/': { kind: 'filter' },
  '?': { kind: 'help' },
};

/** What a key asks for; undefined where it is meant for something else. */
export function wishOf(event: KeyboardEvent): KeyWish | undefined {
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
  return WISHES[event.key];
}
