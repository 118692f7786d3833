/**
 * Notifies elements that draw without CSS when their size changes, and when the page's colours change by the reader's
 * choice or the system's. One observer of each kind serves all elements.
 */
import type { ReactiveController } from 'lit';

export interface Redrawing {
  /** Also called once when the element enters the page, hidden or not. */
  readonly resized: () => void;
  readonly recoloured: () => void;
}

const drawings = new Map<Element, Redrawing>();
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) drawings.get(target)?.resized();
});
const themes = new MutationObserver(recolourAll);
const scheme = matchMedia('(prefers-color-scheme: dark)');

function recolourAll(): void {
  for (const { recoloured } of drawings.values()) recoloured();
}

export class DrawingController implements ReactiveController {
  readonly #host: Element;
  readonly #redrawing: Redrawing;

  constructor(host: Element, redrawing: Redrawing) {
    this.#host = host;
    this.#redrawing = redrawing;
  }

  hostConnected(): void {
    if (drawings.size === 0) {
      themes.observe(document.documentElement, { attributeFilter: ['data-theme'] });
      scheme.addEventListener('change', recolourAll);
    }
    drawings.set(this.#host, this.#redrawing);
    sizes.observe(this.#host);
  }

  hostDisconnected(): void {
    drawings.delete(this.#host);
    sizes.unobserve(this.#host);
    if (drawings.size > 0) return;
    themes.disconnect();
    scheme.removeEventListener('change', recolourAll);
  }
}
