/**
 * Delivery of a call's events before its result. Events and results cross threads through separate ports without a
 * common order, so a call could resolve before the event that says how it ended has arrived.
 */

/**
 * Runs work that sends events, and resolves once the last of them has been received on the other side.
 *
 * @param send - returns a promise of delivery where it crosses threads (comlink), otherwise nothing
 * @throws what the work throws
 */
export async function untilDelivered<Event>(
  send: (event: Event) => unknown,
  work: (emit: (event: Event) => void) => Promise<void>,
): Promise<void> {
  let last: unknown;
  await work((event) => {
    last = send(event);
  });
  // A listener that threw has received the event as well.
  await Promise.resolve(last).catch(() => undefined);
}
