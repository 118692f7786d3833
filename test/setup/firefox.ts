/**
 * Firefox as people have it (Debian's `firefox-esr`, or one named in `FIREFOX_PATH`), driven by WebDriver BiDi. Where
 * there is none, tests of it are skipped; nothing is installed for them.
 */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { type Browser, type BrowserContextOptions, firefox } from 'playwright-core';
import { recordRequests } from './request-record.ts';

const PATHS = ['/usr/bin/firefox-esr', '/usr/bin/firefox', '/Applications/Firefox.app/Contents/MacOS/firefox'];
/** A command of playwright's that Firefox 153 does not know yet; without it, colours are those of the system. */
const UNKNOWN_COMMAND = 'emulation.setMediaFeaturesOverride';

export const FIREFOX_PATH = process.env['FIREFOX_PATH'] ?? PATHS.find((path) => existsSync(path));

/** For contexts: Firefox takes neither a colour scheme nor reduced motion from playwright. */
export const FIREFOX_CONTEXT: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };

type Send = (method: string, ...rest: readonly unknown[]) => Promise<unknown>;
/** What is used of playwright's insides, in the version that package.json names. */
interface Insides {
  readonly _connection: { toImpl(client: Browser): { readonly _browserSession: object } };
}

export async function launchFirefox(executablePath: string): Promise<Browser> {
  const browser = await firefox.launch({ channel: 'moz-firefox', executablePath });
  const { _browserSession: session } = (browser as unknown as Insides)._connection.toImpl(browser);
  const commands = Object.getPrototypeOf(session) as { send: Send };
  const { send } = commands;
  commands.send = function (method, ...rest) {
    return method === UNKNOWN_COMMAND ? Promise.resolve({}) : send.call(this, method, ...rest);
  };
  return recordRequests(browser);
}
