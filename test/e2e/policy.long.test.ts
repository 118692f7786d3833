/**
 * What the page's policy blocks, tried on the built page: as `npm start` serves it, and on a static host that sends no
 * headers, where the page has to say it all itself.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { takeForeign } from '../setup/request-record.ts';
import { BUILT_PAGE, serveFolder, type StaticHost } from './static-host.ts';

/** Violated directives by attempt; each tries to get something in or out. An attempt without one was let through. */
async function violations(page: Page): Promise<Record<string, string>> {
  return page.evaluate(async () => {
    // Nothing listens there: what the policy let through would end in a refused connection.
    const elsewhere = 'http://127.0.0.1:9';
    const add = (tag: string, properties: object): HTMLElement => {
      const element = Object.assign(document.createElement(tag), properties);
      document.body.append(element);
      return element;
    };
    const attempts: Record<string, () => unknown> = {
      fetch: () => fetch(`${elsewhere}/x`).catch(() => undefined),
      beacon: () => navigator.sendBeacon(`${elsewhere}/x`, 'data'),
      socket: () => new WebSocket('ws://127.0.0.1:9/x'),
      image: () => add('img', { src: `${elsewhere}/x.png` }),
      sheet: () => add('link', { rel: 'stylesheet', href: `${elsewhere}/x.css` }),
      'style text': () => add('style', { textContent: 'body { color: red }' }),
      frame: () => add('iframe', { src: `${elsewhere}/` }),
      object: () => add('object', { data: `${elsewhere}/x` }),
      sound: () => add('audio', { src: `${elsewhere}/x.ogg` }),
      font: () => new FontFace('x', `url(${elsewhere}/x.woff2)`).load().catch(() => undefined),
      form: () => (add('form', { action: `${elsewhere}/`, method: 'post' }) as HTMLFormElement).requestSubmit(),
      base: () => {
        const base = document.createElement('base');
        base.href = `${elsewhere}/`;
        document.head.append(base);
      },
      innerHTML: () => {
        document.createElement('p').innerHTML = '<b>x</b>';
      },
      'script text': () => {
        document.createElement('script').text = 'globalThis.ran = true';
      },
      'script address': () => {
        document.createElement('script').src = `${elsewhere}/x.js`;
      },
      eval: () => void (0, globalThis.eval)('1'), // eslint-disable-line no-eval -- it is what is blocked
      worker: () => new Worker('data:text/javascript,0'),
      'policy of its own': () =>
        (
          globalThis as unknown as { trustedTypes: { createPolicy(name: string, rules: object): unknown } }
        ).trustedTypes.createPolicy('mine', {}),
    };
    const found: Record<string, string> = {};
    for (const [name, attempt] of Object.entries(attempts)) {
      const violated = new Promise<string>((resolve) => {
        const note = ({ effectiveDirective }: SecurityPolicyViolationEvent): void => resolve(effectiveDirective);
        document.addEventListener('securitypolicyviolation', note, { once: true });
      });
      try {
        attempt();
      } catch {
        // Trusted Types throw as well.
      }
      const waited = new Promise<string>((resolve) => setTimeout(() => resolve('let through'), 20_000));
      found[name] = await Promise.race([violated, waited]);
    }
    return { ...found, 'what ran': String('ran' in globalThis) };
  });
}

const BLOCKED = {
  fetch: 'connect-src',
  beacon: 'connect-src',
  socket: 'connect-src',
  image: 'img-src',
  sheet: 'style-src-elem',
  'style text': 'style-src-elem',
  frame: 'frame-src',
  object: 'require-trusted-types-for',
  sound: 'media-src',
  font: 'font-src',
  form: 'form-action',
  base: 'base-uri',
  innerHTML: 'require-trusted-types-for',
  'script text': 'require-trusted-types-for',
  'script address': 'require-trusted-types-for',
  eval: 'require-trusted-types-for',
  worker: 'require-trusted-types-for',
  'policy of its own': 'trusted-types',
  'what ran': 'false',
};

describeBrowser('the policy of the page', () => {
  let browser: Browser;
  let host: StaticHost;
  beforeAll(async () => {
    browser = await connectChromium();
    host = await serveFolder(BUILT_PAGE);
  });
  afterAll(async () => {
    await host.close();
    await browser.close();
  });

  it.each(['npm start', 'a host without headers'])('blocks every way in and out, on %s', async (where) => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${where === 'npm start' ? inject('pageUrl') : host.url}?backend=wasm#/`);
    await page.locator('lab-front-door h2').first().waitFor();
    const seen = await page.evaluateHandle(() => {
      const directives = new Set<string>();
      document.addEventListener('securitypolicyviolation', (event) => directives.add(event.effectiveDirective));
      return directives;
    });
    const found = await violations(page);
    expect(Object.values(found)).not.toContain('let through');
    // Where header and page say it, each violation is reported twice, the second time perhaps under another attempt.
    if (where !== 'npm start') expect(found).toEqual(BLOCKED);
    const wanted = new Set(Object.values(BLOCKED).filter((directive) => directive !== 'false'));
    await expect.poll(async () => new Set(await seen.evaluate((directives) => [...directives]))).toEqual(wanted);
    await context.close();
  });

  it('leaves nothing to click inside a frame, and npm start forbids the frame itself', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    for (const [url, text] of [
      [host.url, 'AFRL Lab does not run inside another page.'],
      [inject('pageUrl'), ''],
    ] as const) {
      await page.setContent(`<iframe src="${url}"></iframe>`);
      const frame = page.frameLocator('iframe');
      if (text === '') {
        await expect.poll(() => page.frames().at(1)?.url()).toMatch(/^chrome-error:/u);
        continue;
      }
      await frame.getByText(text).waitFor();
      expect(await frame.locator('lab-app, button').count()).toBe(0);
      expect(await frame.getByRole('link', { name: 'Open AFRL Lab by itself' }).getAttribute('target')).toBe('_top');
    }
    await context.close();
  });

  it('says the same in its header and in the page, but for frames', async () => {
    const { headers, text } = await fetchPage(inject('pageUrl'));
    const [, written] = /http-equiv="Content-Security-Policy" content="([^"]+)"/u.exec(text) ?? [];
    expect(headers).toBe(`${written?.replaceAll('&#39;', "'")}; frame-ancestors 'none'`);
  });
});

/** A page that does what the lab never does: the record that every test of the page ends with must hear it. */
const LEAKY: Readonly<Record<string, string>> = {
  'index.html': '<img src="http://127.0.0.1:9/a-page"><script src="page.js"></script>',
  'page.js': "new Worker('thread.js'); navigator.serviceWorker.register('service.js');",
  'thread.js': "fetch('http://127.0.0.1:9/a-thread').catch(() => 0);",
  'service.js': "fetch('http://127.0.0.1:9/a-service-worker').catch(() => 0);",
};

describeBrowser('the record of requests', () => {
  it('hears a page, its threads and its service worker', async () => {
    const browser = await connectChromium();
    const folder = await mkdtemp(join(tmpdir(), 'afrl-lab-'));
    for (const [name, text] of Object.entries(LEAKY)) await writeFile(join(folder, name), text);
    const host = await serveFolder(folder);
    const context = await browser.newContext();
    const heard = new Set<string>();
    try {
      await (await context.newPage()).goto(host.url);
      const hear = (): string[] => {
        for (const url of takeForeign()) heard.add(new URL(url).pathname);
        return [...heard].toSorted();
      };
      await expect.poll(hear).toEqual(['/a-page', '/a-service-worker', '/a-thread']);
    } finally {
      await context.close();
      await host.close();
      await browser.close();
      await rm(folder, { recursive: true });
    }
  });
});

async function fetchPage(url: string): Promise<{ headers: string | null; text: string }> {
  const response = await fetch(url);
  return { headers: response.headers.get('Content-Security-Policy'), text: await response.text() };
}
