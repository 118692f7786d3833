/**
 * Global set-up of the `e2e` tests: finds (or installs) a Chromium and starts it for all files together, builds the
 * page and the scripted page of test/harness, and serves both builds on free ports of this machine with the headers of
 * `npm start`.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { addressOf, buildAndServe, HARNESS, PAGE } from './built-page.ts';
import { PLAIN_HOST, PLAIN_HOST_FLAG, SWIFTSHADER_FLAGS } from './chromium-flags.ts';
import { findChromium } from './system-packages.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the browser; null where there is none. */
    chromium: string | null;
    /** Where playwright connects to the browser of all files; empty without one. */
    browserServer: string;
    /** Where the built page is served, with a trailing slash; empty without a browser. */
    pageUrl: string;
    /** Where the page on a scripted model is served; empty in `npm test`. */
    harnessUrl: string;
  }
}

export default async function setUpPage(project: TestProject): Promise<() => Promise<void>> {
  const found = findChromium();
  if ('missing' in found) {
    process.stdout.write(`e2e tests are skipped: ${found.missing}\n`);
    project.provide('chromium', null);
    project.provide('browserServer', '');
    project.provide('pageUrl', '');
    project.provide('harnessUrl', '');
    return () => Promise.resolve();
  }
  // vitest sets NODE_ENV=test, with which lit's development version would be built.
  process.env['NODE_ENV'] = 'production';
  const page = await buildAndServe(PAGE);
  // Only tests that `npm test` leaves out open it.
  const harness = project.config.provide?.isWhole === true ? await buildAndServe(HARNESS) : undefined;
  const asked: string[] = [];
  const outside = await listenForRest(asked);
  const { port } = outside.address() as AddressInfo;
  const browser = await chromium.launchServer({
    executablePath: found.path,
    args: [
      ...SWIFTSHADER_FLAGS,
      PLAIN_HOST_FLAG,
      `--proxy-server=127.0.0.1:${port}`,
      `--proxy-bypass-list=${PLAIN_HOST}`, // and what is on this machine
    ],
  });
  project.provide('chromium', found.path);
  project.provide('browserServer', browser.wsEndpoint());
  project.provide('pageUrl', addressOf(page));
  project.provide('harnessUrl', harness === undefined ? '' : addressOf(harness));
  return async () => {
    await browser.close();
    await page.close();
    await harness?.close();
    outside.close();
    if (asked.length > 0) throw new Error(`The browser asked for what is not on this machine: ${asked.join(', ')}`);
  };
}

/** Services that Chromium asks for itself, also without a page; those that pages ask are in request-record.ts. */
const OF_BROWSER = /^(?:\w+:\/\/)?[\w.-]+\.(?:google|googleapis|gstatic|gvt1)\.com(?::|\/|$)/u;

/** A proxy for everything that is not on this machine, which notes it and lets nothing through. */
async function listenForRest(asked: string[]): Promise<Server> {
  const note = (url: string): void => {
    if (!OF_BROWSER.test(url)) asked.push(url);
  };
  const server = createServer(({ url = '' }, response) => {
    note(url);
    response.writeHead(502).end();
  });
  server.on('connect', ({ url = '' }, socket) => {
    note(url);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
