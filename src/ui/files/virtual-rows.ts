/**
 * Rows of equal height in a scrolling box, of which only the visible ones and a few around them are drawn.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Rows drawn beyond the visible ones, on either side. */
const SPARE_ROWS = 8;

export class VirtualRows implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #rowHeight: number;
  readonly #box: () => HTMLElement | null;
  #watched: HTMLElement | undefined;
  #top = 0;
  #height = 600;
  readonly #resized = new ResizeObserver(() => this.#measure());

  /**
   * @param rowHeight - in CSS pixels
   * @param box - finds the element that scrolls
   */
  constructor(host: ReactiveControllerHost, rowHeight: number, box: () => HTMLElement | null) {
    this.#host = host;
    this.#rowHeight = rowHeight;
    this.#box = box;
    host.addController(this);
  }

  hostUpdated(): void {
    const box = this.#box() ?? undefined;
    if (box === this.#watched) return;
    this.#unwatch();
    if (box === undefined) return;
    this.#watched = box;
    box.addEventListener('scroll', this.#scrolled, { passive: true });
    this.#resized.observe(box);
  }

  hostDisconnected(): void {
    this.#unwatch();
  }

  /** The rows to draw: [first, end). */
  window(rows: number): { readonly first: number; readonly end: number } {
    const first = Math.max(0, Math.floor(this.#top / this.#rowHeight) - SPARE_ROWS);
    const end = Math.ceil((this.#top + this.#height) / this.#rowHeight) + SPARE_ROWS;
    return { first: Math.min(first, Math.max(0, rows - 1)), end: Math.min(rows, end) };
  }

  /** The number of visible rows. */
  get pageSize(): number {
    return Math.max(1, Math.floor(this.#height / this.#rowHeight) - 1);
  }

  /**
   * Scrolls as little as possible until a row is visible.
   *
   * @param headHeight - of the fixed head above the rows, in CSS pixels
   */
  reveal(row: number, headHeight = 0): void {
    const box = this.#watched;
    if (box === undefined) return;
    const top = row * this.#rowHeight;
    const bottom = top + this.#rowHeight - (box.clientHeight - headHeight);
    if (box.scrollTop > top) box.scrollTop = top;
    else if (box.scrollTop < bottom) box.scrollTop = bottom;
  }

  /** The row that a key selects; undefined for other keys. @param row - the selected row, -1 for none */
  rowAfter(key: string, row: number, rows: number): number | undefined {
    const { pageSize } = this;
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: pageSize,
      PageUp: -pageSize,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[key];
    return step === undefined || rows === 0 ? undefined : Math.min(rows - 1, Math.max(0, row + step));
  }

  toTop(): void {
    if (this.#watched !== undefined) this.#watched.scrollTop = 0;
  }

  readonly #scrolled = (): void => this.#measure();

  #measure(): void {
    const box = this.#watched;
    if (box === undefined || (box.scrollTop === this.#top && box.clientHeight === this.#height)) return;
    this.#top = box.scrollTop;
    this.#height = box.clientHeight;
    this.#host.requestUpdate();
  }

  #unwatch(): void {
    this.#watched?.removeEventListener('scroll', this.#scrolled);
    this.#resized.disconnect();
    this.#watched = undefined;
  }
}
