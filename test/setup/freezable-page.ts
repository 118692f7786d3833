/**
 * A page that can be hidden and frozen. Playwright keeps its own pages visible, and Chromium freezes none that is, so
 * this one is opened beside them, by the browser's protocol alone.
 */
import type { Browser } from 'playwright-core';
import { note } from './request-record.ts';

export interface FreezablePage {
  /** The value of an expression in the page; `find(selector, text?)` gives the first element, in shadow roots as well. */
  evaluate(expression: string): Promise<unknown>;
  /** Hides the page, whose timers the browser then slows down. */
  hide(): Promise<void>;
  /** Hides the page and stops all of its threads, as browsers do to save energy. */
  freeze(): Promise<void>;
  /** Lets it run again, and shows it. */
  thaw(): Promise<void>;
}

const FIND = `const find = (selector, text, root = document) => {
  for (const element of root.querySelectorAll('*')) {
    if (element.matches(selector) && (text === undefined || element.textContent.trim() === text)) return element;
    const inside = element.shadowRoot && find(selector, text, element.shadowRoot);
    if (inside) return inside;
  }
};`;

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly request?: { readonly url: string }; readonly documentURL?: string };
  readonly result?: { readonly result?: { readonly value?: unknown }; readonly exceptionDetails?: unknown };
}

/** Opens an address in a browser of its own, which also gets the page that hides this one. */
export async function openFreezable(browser: Browser, url: string): Promise<FreezablePage> {
  const session = await browser.newBrowserCDPSession();
  const { targetId } = await session.send('Target.createTarget', { url });
  const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false });
  const waiting = new Map<number, (reply: Reply) => void>();
  session.on('Target.receivedMessageFromTarget', ({ sessionId: from, message }) => {
    if (from !== sessionId) return;
    const reply = JSON.parse(message) as Reply;
    if (reply.id !== undefined) waiting.get(reply.id)?.(reply);
    const { request, documentURL } = reply.params ?? {};
    if (reply.method === 'Network.requestWillBeSent' && request !== undefined) note(request.url, documentURL);
  });
  let last = 0;
  const send = async (method: string, params: object): Promise<Reply> => {
    const id = (last += 1);
    const replied = new Promise<Reply>((resolve) => waiting.set(id, resolve));
    await session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method, params }) });
    return replied;
  };
  const evaluate = async (expression: string): Promise<unknown> => {
    const { result } = await send('Runtime.evaluate', { expression: `{ ${FIND} ${expression} }`, returnByValue: true });
    if (result?.exceptionDetails !== undefined) throw new Error(JSON.stringify(result.exceptionDetails).slice(0, 500));
    return result?.result?.value;
  };
  await send('Network.enable', {});
  const isHidden = async (): Promise<boolean> => (await evaluate('document.visibilityState')) === 'hidden';
  const { targetId: cover } = await session.send('Target.createTarget', { url: 'about:blank' });
  await session.send('Target.activateTarget', { targetId });
  const hide = async (): Promise<void> => {
    await session.send('Target.activateTarget', { targetId: cover });
    while (!(await isHidden()));
  };
  return {
    evaluate,
    hide,
    freeze: async () => {
      await hide();
      await send('Page.setWebLifecycleState', { state: 'frozen' });
    },
    thaw: async () => {
      await send('Page.setWebLifecycleState', { state: 'active' });
      await session.send('Target.activateTarget', { targetId });
      while (await isHidden());
    },
  };
}
