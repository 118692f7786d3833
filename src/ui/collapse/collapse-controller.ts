/**
 * Runs one demonstration at a time for one element: passes commands on and keeps the state, drawn a few times a second at
 * most.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { failureOf } from '../../protocol/failure.ts';
import type { GrpoCommand, GrpoEvent, GrpoRequest } from '../../protocol/grpo.ts';
import {
  applyGrpoEvent,
  type CollapseState,
  isOpen,
  NO_DEMONSTRATION,
  STARTED_DEMONSTRATION,
} from './collapse-state.ts';
import type { GrpoClient, OpenGrpo } from './grpo-client.ts';
import { ScreenWakeLock } from '../parts/wake-lock.ts';

export class CollapseController implements ReactiveController {
  state: CollapseState = NO_DEMONSTRATION;
  /** What was asked for and has not happened yet. */
  pending: 'pause' | 'resume' | 'step' | 'stop' | undefined;
  readonly #host: ReactiveControllerHost;
  readonly #wakeLock = new ScreenWakeLock();
  #client: GrpoClient | undefined;

  readonly #onEvent: (event: GrpoEvent) => void;

  /** @param onEvent - called after each event has been taken in */
  constructor(host: ReactiveControllerHost, onEvent: (event: GrpoEvent) => void = () => undefined) {
    this.#host = host;
    this.#onEvent = onEvent;
    host.addController(this);
  }

  hostConnected(): void {
    document.addEventListener('visibilitychange', this.#visibilityChanged);
  }

  hostDisconnected(): void {
    document.removeEventListener('visibilitychange', this.#visibilityChanged);
    this.#wakeLock.want(false);
    this.#client?.close();
    this.#client = undefined;
    this.state = NO_DEMONSTRATION;
  }

  /** Runs a demonstration unless one is open; resolves when it is over. */
  async run(open: OpenGrpo, request: Omit<GrpoRequest, 'isVisible'>): Promise<void> {
    if (isOpen(this.state)) return;
    this.#show(STARTED_DEMONSTRATION);
    let client: GrpoClient | undefined;
    try {
      client = await this.thread(open);
      const isVisible = document.visibilityState === 'visible';
      await client.run({ ...request, isVisible }, (event) => {
        if (client === this.#client) this.#receive(event);
      });
      if (client !== this.#client) return;
      const message = 'The demonstration ended without a result.';
      if (isOpen(this.state)) this.#receive({ kind: 'failed', code: 'internal', message });
    } catch (thrown) {
      // A thread that broke is not asked again.
      this.#client?.close();
      this.#client = undefined;
      this.#receive({ kind: 'failed', ...failureOf(thrown) });
    }
  }

  /** The thread, started if there is none. */
  async thread(open: OpenGrpo): Promise<GrpoClient> {
    this.#client ??= await open();
    return this.#client;
  }

  /** Asks something of the demonstration. */
  command(command: GrpoCommand): void {
    if (this.#client === undefined || !isOpen(this.state)) return;
    const { kind } = command;
    if (kind !== 'dial' && kind !== 'fork' && kind !== 'visibility') this.pending = kind;
    this.#client.command(command).catch((thrown: unknown) => {
      this.#receive({ kind: 'refused', ...failureOf(thrown) });
    });
    this.#host.requestUpdate();
  }

  /** Ends what runs and forgets it. */
  reset(): void {
    if (isOpen(this.state)) this.command({ kind: 'stop' });
    else this.#show(NO_DEMONSTRATION);
  }

  readonly #visibilityChanged = (): void => {
    this.command({ kind: 'visibility', isVisible: document.visibilityState === 'visible' });
  };

  #receive(event: GrpoEvent): void {
    const isReset = this.pending === 'stop' && event.kind === 'stopped';
    this.state = isReset ? NO_DEMONSTRATION : applyGrpoEvent(this.state, event);
    if (event.kind === 'paused' || event.kind === 'resumed' || !isOpen(this.state)) this.pending = undefined;
    // A pause that was taken back before it happened is not told.
    if (event.kind === 'step' && this.pending === 'resume') this.pending = undefined;
    this.#wakeLock.want(this.state.phase === 'preparing' || this.state.phase === 'running');
    this.#host.requestUpdate();
    this.#onEvent(event);
  }

  #show(state: CollapseState): void {
    this.state = state;
    this.pending = undefined;
    this.#host.requestUpdate();
  }
}
