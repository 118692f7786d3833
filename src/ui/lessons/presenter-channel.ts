/**
 * What a lesson and the window with its notes say to each other. Both are windows of one origin; what arrives is parsed
 * all the same.
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

const NAME = 'afrl-lesson';

export class PresenterChannel {
  readonly #channel = new BroadcastChannel(NAME);

  constructor(received: (message: PresenterMessage) => void) {
    this.#channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      const parsed = v.safeParse(MessageSchema, data);
      if (parsed.success) received(parsed.output);
    });
  }

  send(message: PresenterMessage): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin, and no such argument
    this.#channel.postMessage(message);
  }

  close(): void {
    this.#channel.close();
  }
}
