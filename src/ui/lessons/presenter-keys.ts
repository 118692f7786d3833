/** The keys of a lesson, and which of them act only in front of a room. */

export interface PresenterActions {
  readonly turn: (by: 1 | -1) => void;
  readonly present: () => void;
  readonly blank: () => void;
  readonly leave: () => void;
  readonly play: () => void;
  readonly notes: () => void;
  /** Counts a vote for an answer, from 0; without one it clears them. */
  readonly vote: (answer: number | undefined) => void;
}

export interface KeyPlace {
  /** Whether the key was pressed on a button or a link, which take Space themselves. */
  readonly isOnButton: boolean;
  readonly isPresenting: boolean;
}

/** What a key does; undefined where it means nothing. */
export function presenterKeys(actions: PresenterActions): (key: string, place: KeyPlace) => (() => void) | undefined {
  const { turn, present, blank, leave, play, notes, vote } = actions;
  const always: Readonly<Record<string, () => void>> = {
    ArrowRight: () => turn(1),
    PageDown: () => turn(1),
    ArrowLeft: () => turn(-1),
    PageUp: () => turn(-1),
    p: present,
    b: blank,
    Escape: leave,
  };
  return (pressed, { isOnButton, isPresenting }) => {
    const key = pressed.length === 1 ? pressed.toLowerCase() : pressed;
    if (key === ' ') return isOnButton ? undefined : play;
    if (!isPresenting) return always[key];
    if (key === 'n') return notes;
    if (/^[0-4]$/u.test(key)) return () => vote(key === '0' ? undefined : Number(key) - 1);
    return always[key];
  };
}
