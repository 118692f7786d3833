/**
 * Keeps the screen on while something is running, where the browser allows it, because a sleeping laptop trains
 * nothing. Browsers release the lock whenever the page is hidden, so it is requested again when the page is visible.
 */

/** Absent on pages in an insecure context, whatever the DOM library declares. */
type WakeLockHost = Partial<Pick<Navigator, 'wakeLock'>>;

export class ScreenWakeLock {
  #isWanted = false;
  #lock: Promise<WakeLockSentinel | undefined> | undefined;

  /** Requests or releases the lock. */
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
      // Rejected for example when the battery is low.
      return wakeLock?.request('screen').catch(() => undefined);
    })();
  }
}
