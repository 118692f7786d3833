/**
 * Runs one training at a time for one element: passes commands on, keeps the state of the run, and lets the element draw
 * a few times a second at most. A fast model logs more often than anyone can read, and the page's thread is not for that.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { failureOf } from '../../protocol/failure.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { TrainingCommand, TrainingEvent, TrainRequest } from '../../protocol/training.ts';
import type { OpenTraining, TrainingClient } from '../parts/training-client.ts';
import { applyTrainingEvent, isUnderWay, NO_RUN, STARTED_RUN, type TrainingState } from './training-state.ts';
import { ScreenWakeLock } from '../parts/wake-lock.ts';

/** The shortest time between two drawings of what the run logs. */
const DRAW_EVERY_MS = 250;

/** Which run to start. */
export type RunSource = TrainRequest['from'];

export class TrainingController implements ReactiveController {
  state: TrainingState = NO_RUN;
  /** What was asked of the run and has not happened yet. */
  pending: TrainingCommand['kind'] | undefined;
  readonly #host: ReactiveControllerHost;
  readonly #onEvent: (event: TrainingEvent) => void;
  readonly #wakeLock = new ScreenWakeLock();
  #client: TrainingClient | undefined;
  #nextDraw: ReturnType<typeof setTimeout> | undefined;
  #lastDrawMs = -Infinity;

  /** @param onEvent - called after the state has taken the event in */
  constructor(host: ReactiveControllerHost, onEvent: (event: TrainingEvent) => void) {
    this.#host = host;
    this.#onEvent = onEvent;
    host.addController(this);
  }

  hostConnected(): void {
    document.addEventListener('visibilitychange', this.#visibilityChanged);
  }

  hostDisconnected(): void {
    document.removeEventListener('visibilitychange', this.#visibilityChanged);
    clearTimeout(this.#nextDraw);
    this.#wakeLock.want(false);
    this.#client = undefined;
    this.state = NO_RUN;
  }

  get isUnderWay(): boolean {
    return isUnderWay(this.state);
  }

  /**
   * Starts a run unless one is under way; resolves when it has ended.
   *
   * @returns whether the thread can be used again
   */
  async start(open: OpenTraining, from: RunSource, backend: BackendChoice): Promise<boolean> {
    if (this.isUnderWay) return true;
    this.#show(STARTED_RUN);
    let isUsable = true;
    try {
      const client = await open();
      this.#client = client;
      const isVisible = document.visibilityState === 'visible';
      await client.train({ from, backend, isVisible }, (event) => {
        if (client === this.#client) this.#receive(event);
      });
    } catch (thrown) {
      isUsable = false;
      this.#receive({ kind: 'failed', ...failureOf(thrown), checkpointId: null });
    }
    if (this.isUnderWay) {
      // Every run ends with an event that says how.
      const message = 'The training ended without a result.';
      this.#receive({ kind: 'failed', code: 'internal', message, checkpointId: null });
    }
    return isUsable;
  }

  /** Forgets a run that has ended. */
  dismiss(): void {
    if (!this.isUnderWay) this.#show(NO_RUN);
  }

  /** Asks something of the run; it happens between two updates. */
  command(kind: Exclude<TrainingCommand['kind'], 'visibility'>): void {
    if (this.#client === undefined || !this.isUnderWay) return;
    this.pending = kind;
    this.#send({ kind });
    this.#host.requestUpdate();
  }

  #receive(event: TrainingEvent): void {
    this.state = applyTrainingEvent(this.state, event);
    if (settles(event, this.pending)) this.pending = undefined;
    this.#wakeLock.want(this.state.phase !== 'paused' && this.isUnderWay);
    this.#onEvent(event);
    if (event.kind === 'log' && this.state.phase === 'running') this.#drawSoon();
    else this.#draw();
  }

  #show(state: TrainingState): void {
    this.state = state;
    this.pending = undefined;
    this.#draw();
  }

  #drawSoon(): void {
    if (this.#nextDraw !== undefined) return;
    const waitMs = Math.max(0, this.#lastDrawMs + DRAW_EVERY_MS - performance.now());
    this.#nextDraw = setTimeout(() => this.#draw(), waitMs);
  }

  #draw(): void {
    clearTimeout(this.#nextDraw);
    this.#nextDraw = undefined;
    this.#lastDrawMs = performance.now();
    this.#host.requestUpdate();
  }

  #send(command: TrainingCommand): void {
    // A thread that cannot be reached has ended its run with a failure already.
    this.#client?.command(command).catch(() => undefined);
  }

  readonly #visibilityChanged = (): void => {
    if (this.isUnderWay) this.#send({ kind: 'visibility', isVisible: document.visibilityState === 'visible' });
  };
}

/** Whether an event is the answer to a command. */
function settles({ kind }: TrainingEvent, pending: TrainingCommand['kind'] | undefined): boolean {
  switch (kind) {
    case 'paused':
      return pending === 'pause' || pending === 'step';
    case 'resumed':
      return pending === 'resume';
    case 'evaluation':
      return pending === 'evaluate';
    case 'checkpoint':
    case 'unsaved':
      return pending === 'save';
    case 'finished':
    case 'stopped':
    case 'failed':
      return true;
    case 'log':
      // A pause that was taken back before it happened is not told.
      return pending === 'resume';
    case 'backend':
    case 'preparing':
    case 'prepared':
    case 'recovering':
      return false;
    default:
      return kind satisfies never;
  }
}
