/**
 * Keeps the screen on while there is something to wait for, where the browser allows it: a laptop that falls asleep trains
 * nothing. Browsers take the lock away whenever the page is hidden, so it is asked for again when it is seen.
 */

/** Absent on pages that are not secure, whatever the DOM library says. */
type WakeLockHost = Partial<Pick<Navigator, 'wakeLock'>>;

export class ScreenWakeLock {
  #isWanted = false;
  #lock: Promise<WakeLockSentinel | undefined> | undefined;

  /** Asks for the lock, or gives it back. */
  want(isWanted: boolean): void {
    if (isWanted === this.#isWanted) return;
    this.#isWanted = isWanted;
    if (isWanted) {
      document.addEventListener('visibilitychange', this.#seen);
      this.#ask();
    } else {
      document.removeEventListener('visibilitychange', this.#seen);
      void this.#lock?.then((lock) => lock?.release());
      this.#lock = undefined;
    }
  }

  readonly #seen = (): void => {
    if (document.visibilityState === 'visible') this.#ask();
  };

  #ask(): void {
    const { wakeLock }: WakeLockHost = navigator;
    const before = this.#lock;
    this.#lock = (async () => {
      const held = await before;
      if (held?.released === false) return held;
      // Refused when the battery is low, for one.
      return wakeLock?.request('screen').catch(() => undefined);
    })();
  }
}
