/**
 * The offline copy: a service worker that stores the files of one build and answers with them, so that the lab opens
 * offline and a page never gets files of another build.
 *
 * A new version fetches only files that have changed, then waits until no tab uses the old one or the only tab asks for
 * it, so that no work is interrupted. The build replaces `__WB_MANIFEST` by the list of its files.
 */
import { LabError } from '../src/common/errors.ts';
import { TAKE_OVER, type TakeOverReply } from '../src/protocol/offline.ts';

/** A file of the build; `revision` is null where its name changes with its content. */
interface BuildFile {
  readonly url: string;
  readonly revision: string | null;
}

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: readonly BuildFile[] };

const SCOPE = self.registration.scope;
/** One origin may serve several labs, each under its own path. */
const CACHE_NAME = `afrl-lab ${SCOPE}`;
/** Stored after the first request: WebAssembly for browsers without SIMD ... */
const KEPT_ON_DEMAND = /tfjs-backend-wasm-[\w-]{8}\.wasm$/u;
/** ... the models of other views than the first, whose names stay when their content changes ... */
const KEPT_WITH_ITS_VIEW = /\/models\/(?!general\/)/u;
/** ... and threads, which only isolated pages can use. */
const KEPT_WHERE_ISOLATED = /tfjs-backend-wasm-threaded-simd-|tfjs-thread-/u;

/** Each file by its address; `key` identifies its copy. */
const files = new Map(
  self.__WB_MANIFEST.map(({ url, revision }) => {
    const address = addressOf(new URL(url, SCOPE));
    return [address, { key: revision === null ? address : `${address}?revision=${revision}`, revision }] as const;
  }),
);

self.addEventListener('install', (event) => event.waitUntil(completeCopy()));
self.addEventListener('activate', (event) => event.waitUntil(dropOldFiles().then(() => self.clients.claim())));

self.addEventListener('fetch', (event) => {
  if (event.request.method === 'GET' && files.has(addressOf(new URL(event.request.url)))) {
    event.respondWith(fromCopy(event.request));
  }
});

self.addEventListener('message', (event) => {
  if (event.data === TAKE_OVER) event.waitUntil(takeOver().then((reply) => event.ports[0]?.postMessage(reply)));
});

/** A file's address is its URL; the page's is its folder, because hosts often redirect from index.html to that. */
function addressOf({ origin, pathname }: URL): string {
  return origin + pathname.replace(/\/index\.html$/u, '/');
}

async function completeCopy(): Promise<void> {
  const cache = await caches.open(CACHE_NAME);
  const page = await keep(cache, SCOPE);
  const isIsolated = page.headers.has('cross-origin-embedder-policy');
  const wanted = [...files.keys()].filter((address) => {
    if (KEPT_ON_DEMAND.test(address) || KEPT_WITH_ITS_VIEW.test(address)) return false;
    return isIsolated || !KEPT_WHERE_ISOLATED.test(address);
  });
  await Promise.all(wanted.map((address) => keep(cache, address)));
}

/** The copy of a file, fetched if there is none. Files that the page has loaded come from the browser's own cache. */
async function keep(cache: Cache, address: string): Promise<Response> {
  const { key, revision } = files.get(address) ?? { key: address, revision: null };
  const kept = await cache.match(key);
  if (kept !== undefined) return kept;
  const response = await fetch(address, { cache: revision === null ? 'default' : 'no-cache' });
  // A host for single-page apps answers a missing file with its index page.
  const isPage = response.headers.get('content-type')?.startsWith('text/html') === true;
  if (!response.ok || isPage !== (address === SCOPE)) {
    throw new LabError('not-found', {
      message: 'A file of the lab could not be copied for offline use.',
      expected: address,
      got: response.ok ? 'a web page' : `status ${response.status}`,
    });
  }
  // A redirected response may not answer a navigation, but a new response with the same body may.
  const usable = response.redirected ? new Response(response.body, { headers: response.headers }) : response;
  await cache.put(key, usable.clone());
  return usable;
}

async function dropOldFiles(): Promise<void> {
  const cache = await caches.open(CACHE_NAME);
  const current = new Set([...files.values()].map(({ key }) => key));
  const old = (await cache.keys()).filter(({ url }) => !current.has(url));
  await Promise.all(old.map((request) => cache.delete(request)));
}

async function fromCopy(request: Request): Promise<Response> {
  const address = addressOf(new URL(request.url));
  const cache = await caches.open(CACHE_NAME);
  const { key, revision } = files.get(address) ?? { key: address, revision: null };
  const kept = await cache.match(key);
  if (kept !== undefined) return kept;
  // Stored on demand, or evicted by a browser short of space. Only a file whose name changes with its content may be
  // stored again; the files of a model are fetched together, so they match each other even if they belong to a newer
  // version.
  const isKept = revision === null || KEPT_WITH_ITS_VIEW.test(address);
  return isKept ? keep(cache, address).catch(() => fetch(request)) : fetch(request);
}

async function takeOver(): Promise<TakeOverReply> {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (windows.filter(({ url }) => url.startsWith(SCOPE)).length > 1) return 'other-tabs';
  await self.skipWaiting();
  return 'taking-over';
}
