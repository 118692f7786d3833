/**
 * Fits one Gaussian to a mixture of two, by either direction of KL. The components are dragged, or moved with the arrow
 * keys, and both fits follow.
 */
import { css, html, svg } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import {
  type Component,
  density,
  forwardFit,
  type Gaussian,
  type GaussianFit,
  reverseFits,
} from '../../common/gaussian-mixture.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles } from '../parts/shared-styles.ts';

/** The picture in its own units, with x from -REACH to REACH. */
const WIDE = 640;
const HIGH = 240;
const FLOOR = 220;
const REACH = 6;
/** The density at the top of the picture. */
const TOP_DENSITY = 0.85;
const POINTS = 161;
/** The gap between a peak and its name, and the top of the first line of text. */
const LABEL_GAP = 14;
const LABEL_TOP = 18;
const NAMES = ['Left', 'Right'] as const;

const START: readonly Component[] = [
  { weight: 0.6, mean: -2, sd: 0.6 },
  { weight: 0.4, mean: 2, sd: 0.6 },
];

@customElement('lab-mixture-fit')
export class LabMixtureFit extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      svg {
        display: block;
        width: 100%;
        height: auto;
        border-radius: var(--radius);
        background: var(--field);
        touch-action: none;
      }
      .target {
        fill: var(--line);
        stroke: var(--line-strong);
      }
      .fit {
        fill: none;
        stroke-width: 3;
      }
      .forward {
        color: var(--branch-1);
        stroke: var(--branch-1);
        stroke-dasharray: 9 4;
      }
      .reverse {
        color: var(--branch-0);
        stroke: var(--branch-0);
      }
      text {
        fill: currentcolor;
        stroke: none;
        font-family: var(--font);
        font-size: 0.8125rem;
      }
      .other {
        stroke-width: 1.5;
        stroke-dasharray: 2 4;
      }
      .handle {
        fill: var(--surface);
        stroke: var(--ink);
        stroke-width: 2;
        cursor: grab;
      }
      .handle:focus-visible {
        outline: none;
        stroke: var(--accent);
        stroke-width: 4;
      }
      ul {
        display: grid;
        gap: var(--space-1);
        margin-top: var(--space-2);
        list-style: none;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        gap: 0 var(--space-3);
        align-items: baseline;
        font-variant-numeric: tabular-nums;
      }
      .spreads {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-5);
        margin-top: var(--space-3);
        font-size: var(--text-small);
      }
      .spreads label {
        display: flex;
        flex: 1 1 14rem;
        gap: var(--space-2);
        align-items: center;
      }
      .spreads input {
        flex: 1;
        min-width: 5rem;
        accent-color: var(--accent);
      }
      .muted {
        color: var(--muted);
        font-size: var(--text-small);
      }
    `,
  ];

  @state() private mixture: readonly Component[] = START;
  /** The component that is dragged. */
  #dragged: number | undefined;

  override render(): unknown {
    const forward = forwardFit(this.mixture);
    const reverse = reverseFits(this.mixture);
    const [best, ...others] = reverse;
    return html`<svg
        viewBox="0 0 ${WIDE} ${HIGH}"
        @pointermove=${this.#drag}
        @pointerup=${this.#drop}
        @pointercancel=${this.#drop}
        @pointerdown=${this.#grab}
      >
        <path class="target" d=${areaOf(this.mixture)}></path>
        ${others.map((fit) => svg`<path class="fit reverse other" d=${curveOf(fit)}></path>`)}
        <path class="fit forward" d=${curveOf(forward)}></path>
        ${best === undefined ? '' : svg`<path class="fit reverse" d=${curveOf(best)}></path>`}
        ${labelOf('forward', forward)} ${best === undefined ? '' : labelOf('reverse', best)}
        ${this.mixture.map((part, i) => this.#handle(part, i))}
      </svg>
      <ul>
        <li>
          <span>Forward KL(target ‖ fit): covers everything</span>
          ${fitText(forward)}
        </li>
        ${best === undefined ? '' : html`<li><span>Reverse KL(fit ‖ target): takes one</span> ${fitText(best)}</li>`}
      </ul>
      <p class="muted">
        ${
          others.length === 0
            ? 'The reverse divergence has one minimum here.'
            : 'The dotted line is another minimum of the reverse divergence: the result depends on the starting point.'
        }
      </p>
      <div class="spreads">
        ${this.mixture.map(
          ({ sd }, i) =>
            html`<label
              >Width of the ${NAMES[i]?.toLowerCase()} one
              <input
                type="range"
                min="0.3"
                max="2"
                step="0.05"
                .value=${String(sd)}
                @input=${(event: Event) => this.#widen(i, event)}
              />
              ${sd.toFixed(2)}</label
            >`,
        )}
      </div>`;
  }

  #handle({ mean, weight }: Component, i: number): unknown {
    return svg`<circle
      class="handle"
      cx=${toX(mean)}
      cy=${FLOOR - 170 * weight}
      r="13"
      role="slider"
      tabindex="0"
      data-part=${i}
      aria-label="${NAMES[i]} component"
      aria-valuemin=${-REACH}
      aria-valuemax=${REACH}
      aria-valuenow=${mean.toFixed(2)}
      aria-valuetext="at ${mean.toFixed(1)}, weight ${weight.toFixed(2)}; arrows left and right move it, up and down weigh it"
      @keydown=${(event: KeyboardEvent) => this.#press(i, event)}
    ></circle>`;
  }

  readonly #grab = (event: PointerEvent): void => {
    const { target, currentTarget, pointerId } = event;
    if (!(target instanceof SVGCircleElement) || !(currentTarget instanceof SVGSVGElement)) return;
    this.#dragged = Number(target.dataset['part']);
    currentTarget.setPointerCapture(pointerId);
    target.focus();
    event.preventDefault();
  };

  readonly #drag = (event: PointerEvent): void => {
    const { currentTarget: picture } = event;
    if (this.#dragged === undefined || !(picture instanceof SVGSVGElement)) return;
    const { left, top, width, height } = picture.getBoundingClientRect();
    const x = ((event.clientX - left) / width) * WIDE;
    const y = ((event.clientY - top) / height) * HIGH;
    this.#put(this.#dragged, { mean: (x / WIDE) * 2 * REACH - REACH, weight: (FLOOR - y) / 170 });
  };

  readonly #drop = (): void => {
    this.#dragged = undefined;
  };

  #press(i: number, event: KeyboardEvent): void {
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [-0.1, 0],
      ArrowRight: [0.1, 0],
      ArrowUp: [0, 0.02],
      ArrowDown: [0, -0.02],
    };
    const [move, part] = [moves[event.key], this.mixture[i]];
    if (move === undefined || part === undefined) return;
    event.preventDefault();
    this.#put(i, { mean: part.mean + move[0], weight: part.weight + move[1] });
  }

  /** The other component gets the remaining weight. */
  #put(i: number, to: Pick<Component, 'mean' | 'weight'>): void {
    const weight = clamp(to.weight, 0.02, 0.98);
    const mean = clamp(to.mean, -REACH + 0.5, REACH - 0.5);
    this.mixture = this.mixture.map((part, k) => {
      return k === i ? { ...part, mean, weight } : { ...part, weight: 1 - weight };
    });
  }

  #widen(i: number, event: Event): void {
    const { currentTarget: slider } = event;
    if (!(slider instanceof HTMLInputElement)) return;
    const sd = Number(slider.value);
    this.mixture = this.mixture.map((part, k) => (k === i ? { ...part, sd } : part));
  }
}

function fitText({ mean, sd, klNats }: GaussianFit): unknown {
  return html`<span class="muted">mean ${mean.toFixed(2)}, width ${sd.toFixed(2)}, ${klNats.toFixed(3)} nats</span>`;
}

/** The name of a fit beside its peak, on the side where there is more room. */
function labelOf(name: 'forward' | 'reverse', { mean, sd }: Gaussian): unknown {
  const isLeft = mean > 0;
  const x = toX(mean) + (isLeft ? -LABEL_GAP : LABEL_GAP);
  const y = Math.max(LABEL_TOP, heightOf(1 / (sd * Math.sqrt(2 * Math.PI))) + LABEL_GAP);
  return svg`<text class=${name} x=${x} y=${y} text-anchor=${isLeft ? 'end' : 'start'}>${name}</text>`;
}

function curveOf(q: Gaussian): string {
  return pathOf([{ ...q, weight: 1 }]);
}

function areaOf(mixture: readonly Component[]): string {
  return `${pathOf(mixture)}L${WIDE} ${FLOOR}L0 ${FLOOR}Z`;
}

function pathOf(mixture: readonly Component[]): string {
  const points = Array.from({ length: POINTS }, (_, i) => {
    const x = -REACH + (2 * REACH * i) / (POINTS - 1);
    return `${toX(x).toFixed(1)} ${heightOf(density(mixture, x)).toFixed(1)}`;
  });
  return `M${points.join('L')}`;
}

/** Where a density is drawn. */
function heightOf(value: number): number {
  return FLOOR - (Math.min(TOP_DENSITY * 1.2, value) / TOP_DENSITY) * (FLOOR - 10);
}

function toX(x: number): number {
  return ((x + REACH) / (2 * REACH)) * WIDE;
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-mixture-fit': LabMixtureFit;
  }
}
