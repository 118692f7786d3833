/**
 * The runs of words of some texts: a suffix automaton over words (Blumer et al. 1985), built text by text so that no
 * run crosses from one text into the next. It has at most two states per word, for runs of any length.
 */

/** A deterministic automaton that accepts every run of words of its texts; state 0 is the empty run. */
export interface WordAutomaton {
  /** By state: the next state for each word that may follow. */
  readonly next: readonly ReadonlyMap<string, number>[];
}

interface State {
  /** Words of the longest run that ends here. */
  readonly length: number;
  /** The state of the longest suffix that occurs in more places; -1 at the root. */
  link: number;
  next: Map<string, number>;
}

/** The automaton of the runs of words of `texts`, each text as its words in order. */
export function wordAutomaton(texts: readonly (readonly string[])[]): WordAutomaton {
  const states: State[] = [{ length: 0, link: -1, next: new Map() }];
  for (const text of texts) {
    let last = 0;
    for (const word of text) last = extend(states, last, word);
  }
  return { next: states.map(({ next }) => next) };
}

/** Appends a word to the text that ends in `last`, and returns the state of the longer text. */
function extend(states: State[], last: number, word: string): number {
  const known = states[last]?.next.get(word);
  if (known !== undefined) return splitTo(states, last, word, known);
  const added = states.push({ length: lengthOf(states, last) + 1, link: 0, next: new Map() }) - 1;
  let from = last;
  for (let state = states[from]; state !== undefined && !state.next.has(word); state = states[from]) {
    state.next.set(word, added);
    from = state.link;
  }
  const met = states[from]?.next.get(word);
  const end = states[added];
  if (end !== undefined && met !== undefined) end.link = splitTo(states, from, word, met);
  return added;
}

/** The state reached from `from` by `word` that holds no longer run than that; `target` is split where it does. */
function splitTo(states: State[], from: number, word: string, target: number): number {
  const whole = states[target];
  const length = lengthOf(states, from) + 1;
  if (whole === undefined || whole.length === length) return target;
  const clone = states.push({ length, link: whole.link, next: new Map(whole.next) }) - 1;
  whole.link = clone;
  let place = from;
  for (let state = states[place]; state?.next.get(word) === target; state = states[place]) {
    state.next.set(word, clone);
    place = state.link;
  }
  return clone;
}

function lengthOf(states: readonly State[], state: number): number {
  return states[state]?.length ?? 0;
}
