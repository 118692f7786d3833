/**
 * The page's side of its offline copy (workers/offline.worker.ts): asks the browser to store one, and reports when the
 * lab works offline and when a newer version is waiting. A newer version is offered, never forced.
 */
import * as v from 'valibot';
import { messageOf } from '../common/errors.ts';
import { TAKE_OVER, type TakeOverReply, TakeOverReplySchema } from '../protocol/offline.ts';
import { trustedScriptUrl } from './parts/sessions/trusted-script-url.ts';

export type OfflineState =
  /** No copy is stored yet, or this browser stores none. */
  | { readonly kind: 'online' }
  | { readonly kind: 'ready' }
  /** A newer version is waiting; if it takes over, the page is reloaded. */
  | { readonly kind: 'update'; readonly takeOver: () => Promise<TakeOverReply> }
  | { readonly kind: 'failed'; readonly message: string };

/** The state before a copy was requested. */
export const ONLINE: OfflineState = { kind: 'online' };

/** The state in a sentence; empty where there is nothing to say. */
export function describeOffline(state: OfflineState): string {
  switch (state.kind) {
    case 'online':
      return '';
    case 'ready':
    case 'update':
      return 'Works offline.';
    case 'failed':
      return `Does not work offline: ${state.message}.`;
    default:
      return state satisfies never;
  }
}

/** Keeps an offline copy up to date where the browser can, and reports its state from then on. */
export async function keepOfflineCopy(show: (state: OfflineState) => void): Promise<void> {
  try {
    // Missing in insecure contexts and in some browsers' private windows; forbidden in sandboxes.
    const { serviceWorker }: Partial<Pick<Navigator, 'serviceWorker'>> = navigator;
    if (serviceWorker === undefined) return;
    const registration = await serviceWorker.register(trustedScriptUrl('offline.worker.js'));
    const report = (): void => show(stateOf(registration, serviceWorker));
    const watch = (worker: ServiceWorker | null): void => worker?.addEventListener('statechange', report);
    watch(registration.installing);
    registration.addEventListener('updatefound', () => watch(registration.installing));
    report();
  } catch (error) {
    show({ kind: 'failed', message: messageOf(error) });
  }
}

function stateOf(registration: ServiceWorkerRegistration, container: ServiceWorkerContainer): OfflineState {
  const { active, waiting, installing } = registration;
  if (active !== null && waiting !== null) return { kind: 'update', takeOver: () => askToTakeOver(waiting, container) };
  if (active !== null) return { kind: 'ready' };
  if (waiting !== null || installing !== null) return ONLINE;
  return { kind: 'failed', message: 'a file could not be fetched or there is no room for it' };
}

async function askToTakeOver(waiting: ServiceWorker, container: ServiceWorkerContainer): Promise<TakeOverReply> {
  const { port1, port2 } = new MessageChannel();
  const replied = new Promise<unknown>((resolve) => {
    port1.addEventListener('message', ({ data }) => resolve(data), { once: true });
    port1.start();
  });
  container.addEventListener('controllerchange', () => location.reload(), { once: true });
  waiting.postMessage(TAKE_OVER, [port2]);
  return v.parse(TakeOverReplySchema, await replied);
}
