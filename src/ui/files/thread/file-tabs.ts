/**
 * Tells other tabs of this browser that a file was changed here, and hears it from them; a tab that is shown again asks,
 * too, because it may have been frozen.
 */
import * as v from 'valibot';

const MessageSchema = v.strictObject({ fileId: v.string() });

const NAME = 'afrl-lab files';

export class FileTabs {
  readonly #heard: (fileId: string | undefined) => void;
  #channel: BroadcastChannel | undefined;

  /** @param heard - called when a file was changed in another tab; undefined for any that may have been */
  constructor(heard: (fileId: string | undefined) => void) {
    this.#heard = heard;
  }

  connect(): void {
    this.#channel = new BroadcastChannel(NAME);
    this.#channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      const parsed = v.safeParse(MessageSchema, data);
      if (parsed.success) this.#heard(parsed.output.fileId);
    });
    document.addEventListener('visibilitychange', this.#seen);
  }

  tell(fileId: string): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin, and no such argument
    this.#channel?.postMessage({ fileId });
  }

  close(): void {
    this.#channel?.close();
    this.#channel = undefined;
    document.removeEventListener('visibilitychange', this.#seen);
  }

  readonly #seen = (): void => {
    if (document.visibilityState === 'visible') this.#heard(undefined);
  };
}
