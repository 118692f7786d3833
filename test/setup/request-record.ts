/**
 * A record of every request of every browser that a test of the page opens, threads and service workers included. The
 * lab talks to its own origin only, so a test fails if a page asks another, or if anything is asked that no test serves
 * (test/setup/no-foreign-requests.ts).
 */
import type { Browser, BrowserContext, Request } from 'playwright-core';
import { PLAIN_HOST } from './chromium-flags.ts';

/** The origins that tests serve. */
const served = new Set<string>();
/** What was asked elsewhere, and has not been reported yet. */
const foreign = new Set<string>();

/** Schemes that never leave the browser. */
const INSIDE = new Set(['data:', 'blob:', 'about:', 'chrome:', 'chrome-error:', 'chrome-extension:']);

/** Adds a server of this test to those that may be asked. */
export function serves(url: string): void {
  if (url !== '') served.add(originOf(url));
}

/** Records all requests of a browser from now on. */
export function recordRequests(browser: Browser): Browser {
  for (const context of browser.contexts()) recordContext(context);
  browser.on('context', recordContext);
  return browser;
}

/** Records all requests of a context from now on. */
export function recordContext(context: BrowserContext): void {
  context.on('request', (request) => note(request.url(), askerOf(request)));
  context.on('requestfailed', (request) => {
    // The page's policy stopped it before it was sent.
    if (request.failure()?.errorText === 'csp') foreign.delete(request.url());
  });
}

/** Records a request. @param from - the address of what asks; undefined for a page that is opened */
export function note(url: string, from: string | undefined): void {
  if (INSIDE.has(new URL(url).protocol)) return;
  const origin = originOf(url);
  if (!served.has(origin)) foreign.add(url);
  else if (from !== undefined && !INSIDE.has(new URL(from).protocol) && originOf(from) !== origin) foreign.add(url);
}

/** What was asked elsewhere since the last call. */
export function takeForeign(): string[] {
  const found = [...foreign];
  foreign.clear();
  return found;
}

/** A name that the browser was told to find on this machine is the same server. */
function originOf(url: string): string {
  const parsed = new URL(url);
  if (parsed.hostname === PLAIN_HOST) parsed.hostname = '127.0.0.1';
  return parsed.origin;
}

function askerOf(request: Request): string | undefined {
  const worker = request.serviceWorker();
  if (worker !== null) return worker.url();
  if (request.isNavigationRequest()) return undefined;
  const url = request.frame().url();
  return url === '' ? undefined : url;
}
