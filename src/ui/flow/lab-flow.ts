/**
 * Where the answers went: on the left the rule that should decide each held-out pair, on the right the rule that the
 * model cites, played over the steps of a recorded run. Ribbons that merge are rules that have become one; a hollow
 * ring is a rule that decides no answer. Without motion, for those who want none, there are small pictures of
 * several steps.
 */
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type { Recording } from '../../protocol/recording.ts';
import { DrawingController } from '../parts/charts/drawing-controller.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles } from '../parts/shared-styles.ts';
import { criterionStyles } from './criterion-looks.ts';
import { drawFlow } from './flow-drawing.ts';
import { type FlowLayout, flowRules, layoutFlow } from './flow-layout.ts';
import { flowStyles } from './flow-styles.ts';
import { frameSummary, ruleSummary } from './flow-text.ts';
import { lastFrame } from './recording-facts.ts';

/** How long a measurement is shown before the next one. */
const FRAME_MS = 480;
/** How long the last one stays before the picture begins again. */
const HOLD_MS = 2600;
/** Small pictures in place of motion. */
const MULTIPLES = 4;
const MOST_FONT_SHARE = 0.021;

@customElement('lab-flow')
export class LabFlow extends LabElement {
  static override readonly styles = [baseStyles, buttonStyles, criterionStyles, flowStyles];

  @property({ attribute: false }) recording: Recording | undefined;
  /** Plays by itself, again and again, unless the reader wants no motion. */
  @property({ type: Boolean }) loops = false;
  /** Plays once, from the beginning, as soon as this is set; shows the last measurement to those who want no motion. */
  @property({ type: Boolean }) plays = false;
  /** Shows what a rule says and what became of it beneath the picture. */
  @property({ type: Boolean }) explains = false;
  /** Shows the last measurement until the reader plays the run. */
  @property({ type: Boolean }) ended = false;
  /** The recording grows: a reader who looks at its last measurement sees the next one as it comes. */
  @property({ type: Boolean }) live = false;
  /** Leaves out what only explains the picture. */
  @property({ type: Boolean }) terse = false;
  /** The rule that is looked at; -1 for none. */
  @property({ type: Number }) rule = -1;
  @state() private time = 0;
  @state() private isPlaying = false;
  @state() private size = { width: 0, height: 0 };
  @state() private isStill = false;
  @query('.plot') private plot: HTMLElement | null | undefined;
  #layout: FlowLayout | undefined;
  #smallLayout: FlowLayout | undefined;
  #ticket = 0;
  #sinceMs: number | undefined;
  #heldMs = 0;
  readonly #motion = matchMedia('(prefers-reduced-motion: reduce)');

  constructor() {
    super();
    this.addController(new DrawingController(this, { resized: () => this.#resized(), recoloured: () => undefined }));
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#motion.addEventListener('change', this.#motionChanged);
    this.#motionChanged();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#motion.removeEventListener('change', this.#motionChanged);
    this.pause();
  }

  override willUpdate(changed: PropertyValues): void {
    const before: unknown = changed.get('recording');
    if (this.live && this.recording !== undefined && changed.has('recording')) {
      const last = lastFrame(this.recording);
      const wasAtEnd = before === undefined || this.time >= last - 1;
      if (wasAtEnd || this.time > last) this.time = last;
    } else if (changed.has('recording') || changed.has('ended')) {
      this.time = this.ended && this.recording !== undefined ? lastFrame(this.recording) : 0;
      if (this.loops && !this.isStill) this.play();
      else if (this.loops && this.recording !== undefined) this.time = lastFrame(this.recording);
    }
    if (changed.has('plays') && this.plays && this.recording !== undefined) {
      if (this.isStill) this.time = lastFrame(this.recording);
      else this.play();
    }
    if (!changed.has('recording') && !changed.has('size')) return;
    const { recording, size } = this;
    if (recording === undefined || size.width === 0) return;
    const mostFontPx = Math.max(12, size.width * MOST_FONT_SHARE);
    this.#layout = layoutFlow(recording, { ...size, mostFontPx });
    this.#smallLayout = layoutFlow(recording, { width: 280, height: 200, mostFontPx: 1 });
  }

  override render(): unknown {
    const { recording } = this;
    if (recording === undefined) return html`<div class="plot"></div>`;
    const frame = Math.round(this.time);
    return html`<div
        class="plot"
        role="slider"
        tabindex="0"
        aria-label="Where the answers went, rule by rule"
        aria-orientation="vertical"
        aria-valuemin="0"
        aria-valuemax=${flowRules(recording).length}
        aria-valuenow=${flowRules(recording).indexOf(this.rule) + 1}
        aria-valuetext=${this.rule < 0 ? frameSummary(recording, frame) : ruleSummary(recording, this.rule, frame).join(' ')}
        @keydown=${this.#keyPressed}
        @pointermove=${this.#pointed}
        @pointerleave=${() => this.#choose(-1)}
        @click=${this.#pointed}
      >
        ${this.#picture(recording, frame)}
      </div>
      ${this.isStill && !this.live ? this.#multiples(recording) : nothing}
      <div class="controls">
        ${
          this.isStill
            ? nothing
            : html`<button class="play" @click=${this.toggle}>${this.isPlaying ? 'Pause' : 'Play'}</button>`
        }
        <input
          type="range"
          min="0"
          max=${lastFrame(recording)}
          step="1"
          aria-label="Step of the run"
          aria-valuetext=${frameSummary(recording, frame)}
          .value=${String(frame)}
          @input=${this.#slid}
        />
        <output>${frameSummary(recording, frame)}</output>
      </div>
      ${this.explains && !(this.terse && this.rule < 0) ? html`<p class="caption">${this.#caption(recording, frame)}</p>` : nothing}`;
  }

  play(): void {
    if (this.recording === undefined || this.isStill) return;
    if (this.time >= lastFrame(this.recording)) this.time = 0;
    this.isPlaying = true;
    this.#sinceMs = undefined;
    this.#heldMs = 0;
    cancelAnimationFrame(this.#ticket);
    this.#ticket = requestAnimationFrame(this.#tick);
  }

  pause(): void {
    this.isPlaying = false;
    cancelAnimationFrame(this.#ticket);
  }

  readonly toggle = (): void => {
    if (this.isPlaying) this.pause();
    else this.play();
  };

  #picture(recording: Recording, frame: number): unknown {
    const layout = this.#layout;
    if (layout === undefined) return nothing;
    const { width, height } = this.size;
    const rule = this.rule < 0 ? undefined : this.rule;
    return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label=${frameSummary(recording, frame)}>
      ${drawFlow({ recording, layout, time: this.time, rule, isNamed: true })}
    </svg>`;
  }

  #multiples(recording: Recording): unknown {
    const layout = this.#smallLayout;
    if (layout === undefined) return nothing;
    const frames = Array.from({ length: MULTIPLES }, (_, i) =>
      Math.round((i * lastFrame(recording)) / (MULTIPLES - 1)),
    );
    return html`<div class="multiples">
      ${frames.map(
        (frame) =>
          html`<button
            aria-label="Show ${frameSummary(recording, frame)}"
            aria-pressed=${frame === Math.round(this.time) ? 'true' : 'false'}
            @click=${() => (this.time = frame)}
          >
            <svg viewBox="0 0 280 200" aria-hidden="true">
              ${drawFlow({ recording, layout, time: frame, rule: undefined, isNamed: false })}
            </svg>
            step ${recording.frames[frame]?.step}
          </button>`,
      )}
    </div>`;
  }

  #caption(recording: Recording, frame: number): unknown {
    if (this.rule < 0) {
      return html`Point at a rule, or choose one with the up and down keys, to read what it says and what became of it.
      A dot is a held-out pair; a hollow red one has a wrong label. An answer may cite several rules: the one that gives
      it its label decides it. A hollow ring is a rule that decides no answer at this step.`;
    }
    const [name = '', ...sentences] = ruleSummary(recording, this.rule, frame);
    return html`<strong>${name}</strong> ${sentences.join(' ')}`;
  }

  readonly #tick = (nowMs: number): void => {
    const { recording } = this;
    if (!this.isPlaying || recording === undefined) return;
    const passedMs = Math.min(100, nowMs - (this.#sinceMs ?? nowMs));
    this.#sinceMs = nowMs;
    const last = lastFrame(recording);
    if (this.time < last) this.time = Math.min(last, this.time + passedMs / FRAME_MS);
    else if (!this.loops) this.isPlaying = false;
    else if ((this.#heldMs += passedMs) > HOLD_MS) {
      this.time = 0;
      this.#heldMs = 0;
    }
    this.#ticket = requestAnimationFrame(this.#tick);
  };

  readonly #slid = ({ currentTarget: slider }: Event): void => {
    this.pause();
    if (slider instanceof HTMLInputElement) this.time = Number(slider.value);
  };

  readonly #pointed = (event: MouseEvent): void => {
    const { plot } = this;
    const layout = this.#layout;
    if (layout === undefined || plot === null || plot === undefined) return;
    const y = event.clientY - plot.getBoundingClientRect().top;
    const row = layout.rows.find((each) => Math.abs(each.y - y) <= layout.rowHeight / 2);
    if (row !== undefined) this.#choose(row.rule);
  };

  readonly #keyPressed = (event: KeyboardEvent): void => {
    const { recording } = this;
    if (recording === undefined) return;
    const rules = flowRules(recording);
    const at = rules.indexOf(this.rule);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: Math.min(rules.length - 1, at + 1),
      ArrowUp: Math.max(0, at - 1),
      Home: 0,
      End: rules.length - 1,
    };
    const to = event.key === 'Escape' ? -1 : moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#choose(rules[to] ?? -1);
  };

  #choose(rule: number): void {
    this.rule = rule;
  }

  #resized(): void {
    const { plot } = this;
    if (plot === null || plot === undefined || plot.clientWidth === 0) return;
    const { clientWidth: width, clientHeight: height } = plot;
    if (width !== this.size.width || height !== this.size.height) this.size = { width, height };
  }

  override firstUpdated(): void {
    this.#resized();
  }

  readonly #motionChanged = (): void => {
    this.isStill = this.#motion.matches;
    if (this.isStill) this.pause();
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-flow': LabFlow;
  }
}
