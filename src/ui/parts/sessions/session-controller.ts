/**
 * Holds one session at a time for one element, in a worker that is started on demand. It forwards commands, derives the
 * state from events, and limits the element to a few updates per second, because a fast model logs more often than
 * anyone can read.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { type Failure, failureOf } from '../../../protocol/failure.ts';
import { ScreenWakeLock } from '../wake-lock.ts';

/** The shortest time between two updates that can wait. */
const DRAW_EVERY_MS = 250;

/** How a page handles the events of a session. */
export interface SessionView<State, Event, Command extends { readonly kind: string }> {
  readonly idle: State;
  /** The state after a session was requested. */
  readonly started: State;
  readonly apply: (state: State, event: Event) => State;
  /** Whether the worker holds the session, even if idle. */
  readonly isOpen: (state: State) => boolean;
  /** Whether it computes, during which the screen is kept on. */
  readonly isBusy: (state: State) => boolean;
  /** Commands that take a while, and are pending until they take effect. */
  readonly awaited: ReadonlySet<Command['kind']>;
  /** Whether an event shows that the pending command has taken effect. */
  readonly settles: (event: Event, pending: Command['kind']) => boolean;
  /** Whether the display of an event can wait. */
  readonly canWait: (event: Event, state: State) => boolean;
  /** The event for a session that failed outside its worker. */
  readonly failed: (failure: Failure) => Event;
  /** The event for a command that could not be sent. */
  readonly refused: (failure: Failure) => Event;
  /** The name of a session, as in "The training ended without a result." */
  readonly name: string;
}

/** A worker that holds sessions. */
export interface SessionClient<Request, Event, Command> {
  run(request: Request, emit: (event: Event) => void): Promise<void>;
  command(command: Command): Promise<void>;
  close(): void;
  /** Resolves when the worker has ended by itself. */
  readonly broken?: Promise<void>;
}

type Visibility = { readonly kind: 'visibility'; readonly isVisible: boolean };

export class SessionController<
  State,
  Event,
  Command extends { readonly kind: string },
  Request extends { readonly isVisible?: boolean | undefined },
  Client extends SessionClient<Request, Event, Command | Visibility>,
> implements ReactiveController {
  state: State;
  /** The command that has not taken effect yet. */
  pending: Command['kind'] | undefined;
  readonly #host: ReactiveControllerHost;
  readonly #view: SessionView<State, Event, Command>;
  readonly #open: () => Promise<Client>;
  readonly #onEvent: (event: Event) => void;
  readonly #wakeLock = new ScreenWakeLock();
  #client: Promise<Client> | undefined;
  /** The worker that holds the session. */
  #session: Client | undefined;
  #nextDraw: ReturnType<typeof setTimeout> | undefined;
  #lastDrawMs = -Infinity;

  /**
   * @param open - starts a worker
   * @param onEvent - called after the state includes the event
   */
  constructor(
    host: ReactiveControllerHost,
    view: SessionView<State, Event, Command>,
    open: () => Promise<Client>,
    onEvent: (event: Event) => void,
  ) {
    this.#host = host;
    this.#view = view;
    this.#open = open;
    this.#onEvent = onEvent;
    this.state = view.idle;
    host.addController(this);
  }

  hostConnected(): void {
    document.addEventListener('visibilitychange', this.#visibilityChanged);
  }

  hostDisconnected(): void {
    document.removeEventListener('visibilitychange', this.#visibilityChanged);
    clearTimeout(this.#nextDraw);
    this.#wakeLock.want(false);
    this.close();
    this.state = this.#view.idle;
  }

  get isOpen(): boolean {
    return this.#view.isOpen(this.state);
  }

  /** The worker, started if there is none. */
  readonly thread = (): Promise<Client> => (this.#client ??= this.#opened());

  /** A worker that is dropped if it ends while nothing runs in it; a session reports the end itself. */
  #opened(): Promise<Client> {
    const opening = this.#open();
    const forget = (): void => {
      if (opening === this.#client && !this.isOpen) this.close();
    };
    opening.then(({ broken }) => broken?.then(forget)).catch(() => undefined);
    return opening;
  }

  /** Ends the worker; the next call starts another. */
  close(): void {
    void this.#client?.then((client) => client.close()).catch(() => undefined);
    this.#client = undefined;
    this.#session = undefined;
  }

  /** Runs a session unless one is open; resolves when it has ended. */
  async run(request: Omit<Request, 'isVisible'>): Promise<void> {
    if (this.isOpen) return;
    const { started, failed, name } = this.#view;
    this.show(started);
    const opening = this.thread();
    try {
      const client = await opening;
      if (opening !== this.#client) return;
      this.#session = client;
      const isVisible = document.visibilityState === 'visible';
      await client.run({ ...request, isVisible } as Request, (event) => {
        if (opening === this.#client) this.#receive(event);
      });
      if (opening !== this.#client || !this.isOpen) return;
      // Every session ends with an event that states its outcome.
      this.#receive(failed({ code: 'internal', message: `The ${name} ended without a result.` }));
    } catch (thrown) {
      if (opening !== this.#client) return;
      // A broken worker is not used again.
      this.close();
      this.#receive(failed(failureOf(thrown)));
    }
  }

  /** Sends a command to the session; it takes effect between two steps. */
  command(command: Command): void {
    if (!this.isOpen || this.#session === undefined) return;
    if (this.#view.awaited.has(command.kind)) this.pending = command.kind;
    this.#send(command);
    this.#host.requestUpdate();
  }

  /** Discards a session that has ended. */
  dismiss(): void {
    if (!this.isOpen) this.show(this.#view.idle);
  }

  /** Shows a session that is over. */
  show(state: State): void {
    this.state = state;
    this.pending = undefined;
    this.#draw();
  }

  #receive(event: Event): void {
    const { apply, settles, isBusy, isOpen, canWait } = this.#view;
    this.state = apply(this.state, event);
    const { pending } = this;
    if (pending !== undefined && (!isOpen(this.state) || settles(event, pending))) this.pending = undefined;
    this.#wakeLock.want(isBusy(this.state));
    this.#onEvent(event);
    if (canWait(event, this.state)) this.#drawSoon();
    else this.#draw();
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

  #send(command: Command | Visibility): void {
    this.#session?.command(command).catch((thrown: unknown) => {
      if (this.isOpen) this.#receive(this.#view.refused(failureOf(thrown)));
    });
  }

  readonly #visibilityChanged = (): void => {
    if (this.isOpen) this.#send({ kind: 'visibility', isVisible: document.visibilityState === 'visible' });
  };
}
