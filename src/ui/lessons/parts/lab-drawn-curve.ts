/**
 * A curve that the reader draws before the true one is shown: with the pointer in one stroke, or mark by mark with the
 * arrow keys.
 */
import { css, html, nothing, svg } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { placedLabels } from '../../parts/charts/chart-data.ts';
import { cssProperties } from '../../parts/css-properties.ts';
import { DrawingController } from '../../parts/charts/drawing-controller.ts';
import { LabElement } from '../../parts/lab-element.ts';
import { baseStyles } from '../../parts/shared-styles.ts';

/** A point of a curve. */
export interface DrawnPoint {
  readonly step: number;
  readonly value: number;
}

/** Between the edges of the element and the axes; on the right are the labels of the curves. */
const INSET = { left: 44, top: 14, bottom: 34 } as const;
/** Of the labels: in sizes of their text, and of the width at most. */
const LABEL_ROOM = { letters: 11.5, share: 0.28 } as const;
const LABEL_GAP = 10;

/** A curve's name at its end. */
interface End {
  readonly look: string;
  readonly text: string;
  readonly value: number;
}

/**
 * @fires curve-draw - the values at all marks as `detail`, whenever one is changed.
 */
@customElement('lab-drawn-curve')
export class LabDrawnCurve extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        position: relative;
        min-height: 14rem;
      }
      svg {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        touch-action: none;
        cursor: crosshair;
      }
      .axis {
        stroke: var(--line-strong);
      }
      .grid {
        stroke: var(--line);
      }
      text {
        fill: var(--muted);
        font-family: var(--font);
        font-variant-numeric: tabular-nums;
      }
      svg,
      ul {
        font-size: var(--figure-text, 0.8125rem);
      }
      li {
        position: absolute;
        top: var(--top, 0);
        left: var(--left);
        width: var(--room);
        color: var(--muted);
        font-variant-numeric: tabular-nums;
        line-height: 1.2;
        list-style: none;
      }
      path {
        fill: none;
        stroke-linejoin: round;
      }
      .drawn {
        stroke: var(--muted);
        stroke-width: 2;
        stroke-dasharray: 5 5;
      }
      .handle {
        fill: var(--paper);
        stroke: var(--ink);
        stroke-width: 2;
        cursor: ns-resize;
      }
      .first {
        fill: var(--branch-0);
      }
      .handle:focus-visible {
        fill: var(--accent);
      }
      .truth {
        stroke: var(--branch-0);
        stroke-width: 3;
      }
      .balanced {
        stroke: var(--branch-1);
        stroke-width: 2.2;
        stroke-dasharray: 9 4;
      }
      .faint {
        stroke: var(--branch-0);
        stroke-width: 1.2;
        opacity: 0.3;
      }
      .end-truth {
        color: var(--branch-0);
        font-weight: 600;
      }
      .end-balanced {
        color: var(--branch-1);
      }
    `,
  ];

  /** What the values are, for those who hear the curve. */
  @property() label = '';
  /** Steps of the marks; the first one is given and cannot be moved. */
  @property({ attribute: false }) marks: readonly number[] = [];
  @property({ attribute: false }) values: readonly number[] = [];
  @property({ type: Number }) most = 1;
  /** Shown once the reader has asked for them. */
  @property({ attribute: false }) truth: readonly DrawnPoint[] = [];
  @property({ attribute: false }) balanced: readonly DrawnPoint[] = [];
  @property({ attribute: false }) faint: readonly (readonly DrawnPoint[])[] = [];
  @state() private size = { width: 0, height: 0, fontPx: 13 };
  @query('svg') private drawing: SVGSVGElement | null | undefined;
  #isDrawing = false;

  constructor() {
    super();
    this.addController(new DrawingController(this, { resized: () => this.#resized(), recoloured: () => undefined }));
  }

  override render(): unknown {
    const { width, height } = this.size;
    const { marks, values, most } = this;
    const isOpen = this.truth.length === 0;
    const drawn = this.#drawn();
    return html`<svg
        viewBox="0 0 ${width} ${height}"
        role="group"
        aria-label=${this.label}
        @pointerdown=${this.#began}
        @pointermove=${this.#moved}
        @pointerup=${() => (this.#isDrawing = false)}
      >
        ${[0, most / 2, most].map(
          (value) =>
            svg`<path class="grid" d="M${INSET.left} ${this.#y(value)}H${width - this.#right()}"></path>
            <text x=${INSET.left - 8} y=${this.#y(value)} dy="0.35em" text-anchor="end">${Math.round(value)}</text>`,
        )}
        ${marks.map((step) => svg`<text x=${this.#x(step)} y=${height - 10} text-anchor="middle">${step}</text>`)}
        ${this.faint.map((curve) => svg`<path class="faint" d=${this.#path(curve)}></path>`)}
        <path class="drawn" d=${this.#path(drawn)}></path>
        ${isOpen ? nothing : svg`<path class="balanced" d=${this.#path(this.balanced)}></path>`}
        ${isOpen ? nothing : svg`<path class="truth" d=${this.#path(this.truth)}></path>`}
        <circle class="first" cx=${this.#x(marks[0] ?? 0)} cy=${this.#y(values[0] ?? 0)} r="5"></circle>
        ${
          isOpen
            ? drawn.slice(1).map(
                ({ step, value }, i) =>
                  svg`<circle
                  class="handle"
                  cx=${this.#x(step)}
                  cy=${this.#y(value)}
                  r="8"
                  role="slider"
                  tabindex="0"
                  aria-label="At step ${step}"
                  aria-valuemin="0"
                  aria-valuemax=${most}
                  aria-valuenow=${Math.round(value)}
                  @keydown=${(event: KeyboardEvent) => this.#keyPressed(event, i + 1)}
                ></circle>`,
              )
            : nothing
        }
      </svg>
      <ul
        ${cssProperties({ '--left': `${width - this.#right() + LABEL_GAP}px`, '--room': `${this.#right() - LABEL_GAP}px` })}
      >
        ${this.#ends().map(({ look, text }) => html`<li class=${look}>${text}</li>`)}
      </ul>`;
  }

  override firstUpdated(): void {
    this.#resized();
  }

  override updated(): void {
    const ends = this.#ends();
    const items = [...this.renderRoot.querySelectorAll('li')];
    const labels = items.map(({ offsetHeight: height }, i) => ({ height, middle: this.#y(ends[i]?.value ?? 0) }));
    for (const [i, top] of placedLabels(labels, this.size.height - INSET.bottom).entries()) {
      items[i]?.style.setProperty('--top', `${top.toFixed(1)}px`);
    }
  }

  #drawn(): DrawnPoint[] {
    return this.marks.map((step, i) => ({ step, value: this.values[i] ?? this.values[0] ?? 0 }));
  }

  /** What is at the ends of the curves that are shown. */
  #ends(): End[] {
    const drawn = this.#drawn();
    const [truth, balanced, guess] = [this.truth.at(-1), this.balanced.at(-1), drawn.at(-1)];
    const isGuessed = drawn.some(({ value }) => value !== drawn[0]?.value);
    const own = guess === undefined || !isGuessed ? [] : [{ look: '', text: `your guess ${Math.round(guess.value)}`, value: guess.value }]; // prettier-ignore
    if (truth === undefined) return own;
    const others = this.faint.flatMap((curve) => curve.at(-1)?.value ?? []).toSorted((a, b) => a - b);
    const middle = others[Math.floor(others.length / 2)];
    return [
      ...own,
      { look: 'end-truth', text: `reward only ${truth.value}`, value: truth.value },
      ...(balanced === undefined
        ? []
        : [{ look: 'end-balanced', text: `reward + examples ${balanced.value}`, value: balanced.value }]),
      ...(middle === undefined ? [] : [{ look: '', text: 'faint: other seeds of reward only', value: middle }]),
    ];
  }

  /** The room for labels on the right. */
  #right(): number {
    return Math.min(LABEL_ROOM.letters * this.size.fontPx, LABEL_ROOM.share * this.size.width);
  }

  #x(step: number): number {
    const last = this.marks.at(-1) ?? 1;
    return INSET.left + (step / last) * Math.max(0, this.size.width - INSET.left - this.#right());
  }

  #y(value: number): number {
    const room = Math.max(0, this.size.height - INSET.top - INSET.bottom);
    return INSET.top + (1 - value / this.most) * room;
  }

  #path(points: readonly DrawnPoint[]): string {
    const last = this.marks.at(-1) ?? 0;
    return points
      .filter(({ step }) => step <= last)
      .map(({ step, value }, i) => `${i === 0 ? 'M' : 'L'}${this.#x(step).toFixed(1)} ${this.#y(value).toFixed(1)}`)
      .join('');
  }

  #set(mark: number, value: number): void {
    if (mark < 1 || mark >= this.marks.length) return;
    const bounded = Math.max(0, Math.min(this.most, Math.round(value)));
    const detail = this.marks.map((_, i) => (i === mark ? bounded : (this.values[i] ?? this.values[0] ?? 0)));
    this.dispatchEvent(new CustomEvent<number[]>('curve-draw', { detail }));
  }

  readonly #began = (event: PointerEvent): void => {
    if (this.truth.length > 0) return;
    this.#isDrawing = true;
    this.drawing?.setPointerCapture(event.pointerId);
    this.#moved(event);
  };

  readonly #moved = (event: PointerEvent): void => {
    const { drawing } = this;
    if (!this.#isDrawing || drawing === null || drawing === undefined) return;
    const { left, top } = drawing.getBoundingClientRect();
    const x = event.clientX - left;
    const gaps = this.marks.map((step) => Math.abs(this.#x(step) - x));
    const room = Math.max(1, this.size.height - INSET.top - INSET.bottom);
    this.#set(gaps.indexOf(Math.min(...gaps)), (1 - (event.clientY - top - INSET.top) / room) * this.most);
  };

  #keyPressed(event: KeyboardEvent, mark: number): void {
    const value = this.values[mark] ?? this.values[0] ?? 0;
    const steps: Readonly<Record<string, number>> = { ArrowUp: 1, ArrowDown: -1, PageUp: 5, PageDown: -5 };
    const by = steps[event.key];
    if (by === undefined) return;
    event.preventDefault();
    this.#set(mark, value + by);
  }

  #resized(): void {
    const { clientWidth: width, clientHeight: height, size, drawing } = this;
    if (width === 0 || drawing === null || drawing === undefined) return;
    const fontPx = Number.parseFloat(getComputedStyle(drawing).fontSize);
    if (width !== size.width || height !== size.height || fontPx !== size.fontPx) this.size = { width, height, fontPx };
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-drawn-curve': LabDrawnCurve;
  }
}
