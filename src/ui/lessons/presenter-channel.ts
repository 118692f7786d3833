/**
 * What a lesson and the window with its notes say to each other. All windows of the origin hear it, so each message
 * names the presenter, which is the tab that shows the lesson; what arrives is parsed all the same.
 */
import * as v from 'valibot';

const MessageSchema = v.variant('kind', [
  /** The notes have opened, and ask where the lesson is. */
  v.strictObject({ kind: v.literal('hello') }),
  v.strictObject({ kind: v.literal('at'), lesson: v.string(), screen: v.number(), votes: v.array(v.number()) }),
  /** A key that was pressed in the window with the notes. */
  v.strictObject({ kind: v.literal('key'), key: v.string() }),
]);
export type PresenterMessage = v.InferOutput<typeof MessageSchema>;

const EnvelopeSchema = v.strictObject({ presenter: v.string(), message: MessageSchema });

const NAME = 'afrl-lesson';
const TAB = /^afrl-lesson-([\da-z-]+)$/u;

/** The id of this tab as a presenter; it stays through a reload, because the tab is named by it. */
export function presenterOfTab(): string {
  if (!TAB.test(window.name)) window.name = `${NAME}-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
  return TAB.exec(window.name)?.[1] ?? '';
}

export class PresenterChannel {
  readonly #channel = new BroadcastChannel(NAME);
  readonly #presenter: string;

  /** @param presenter - whose messages are received and sent */
  constructor(presenter: string, received: (message: PresenterMessage) => void) {
    this.#presenter = presenter;
    this.#channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      const parsed = v.safeParse(EnvelopeSchema, data);
      if (parsed.success && parsed.output.presenter === presenter) received(parsed.output.message);
    });
  }

  send(message: PresenterMessage): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin, and no such argument
    this.#channel.postMessage({ presenter: this.#presenter, message });
  }

  close(): void {
    this.#channel.close();
  }
}
