/**
 * Makes the runs of the queue one after another. The queue itself is stored, so a page that was closed finds it again:
 * the run that was under way continues from its last checkpoint, exactly as if it had never stopped.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { LabError } from '../../common/errors.ts';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import { checkpointIdIn, type GrpoEvent } from '../../protocol/grpo.ts';
import type { QueuedRun } from '../../protocol/runs.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { TrainingEvent, TrainRequest } from '../../protocol/training.ts';
import type { GrpoClient, OpenGrpo } from '../parts/grpo-client.ts';
import type { OpenTraining, TrainingClient } from '../parts/training-client.ts';
import { ScreenWakeLock } from '../parts/wake-lock.ts';
import type { RunsClient } from './runs-client.ts';

/** The workers that make runs. */
export interface QueueWorkers {
  readonly runs: () => Promise<RunsClient>;
  readonly openTraining: OpenTraining | undefined;
  readonly openGrpo: OpenGrpo | undefined;
  readonly backend: BackendChoice;
}

export interface QueueState {
  /** `busy`: another tab makes the runs of the queue. */
  readonly phase: 'idle' | 'running' | 'stopping' | 'busy';
  /** The run that is being made. */
  readonly run: QueuedRun | undefined;
  /** Steps made of the run, and its total. */
  readonly step: number;
  readonly steps: number;
  readonly failure: Failure | undefined;
}

type SomeEvent = TrainingEvent | GrpoEvent;
/** Events after which the list of runs has something new. */
const NEWS: ReadonlySet<SomeEvent['kind']> = new Set(['prepared', 'evaluation', 'measure', 'checkpoint', 'branch-ended', 'finished', 'stopped', 'failed']); // prettier-ignore
/** Held while a tab makes the runs of the queue. */
const LOCK = 'afrl-lab/queue';
const MAX_BRANCH_NAME = 80;

/**
 * Where the start or the teacher of a run is; the bundled start for runs whose record has no address, as those of the
 * command line.
 *
 * @throws {LabError} `bad-config` for another site, which an imported record may name
 */
function startOf(url: string | null): string {
  if (url === null) return new URL('models/lab-nano-start/', document.baseURI).href;
  if (checkpointIdIn(url) !== undefined || new URL(url, document.baseURI).origin === location.origin) return url;
  throw new LabError('bad-config', {
    message: 'The start of this run is on another site, from which nothing is fetched.',
    expected: `an address of ${location.origin}, or a checkpoint of this browser`,
    got: url,
    fix: 'Import the model in the Train view, and begin a run from it.',
  });
}

export class QueueController implements ReactiveController {
  state: QueueState = { phase: 'idle', run: undefined, step: 0, steps: 0, failure: undefined };
  readonly #host: ReactiveControllerHost;
  readonly #workers: () => QueueWorkers;
  readonly #changed: () => void;
  readonly #wakeLock = new ScreenWakeLock();
  /** Stops the present run. */
  #stop: (() => void) | undefined;

  /** @param changed - called when the list of runs should be read again */
  constructor(host: ReactiveControllerHost, workers: () => QueueWorkers, changed: () => void) {
    this.#host = host;
    this.#workers = workers;
    this.#changed = changed;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.stop();
  }

  /** Makes all runs of the queue, unless they are being made. */
  async start(): Promise<void> {
    if (this.state.phase === 'running' || this.state.phase === 'stopping') return;
    this.#show({ phase: 'running', failure: undefined });
    this.#wakeLock.want(true);
    try {
      const isMine = await whileAlone(() => this.#makeAll());
      this.#show({ phase: isMine ? 'idle' : 'busy', run: undefined });
    } catch (thrown) {
      this.#show({ phase: 'idle', run: undefined, failure: failureOf(thrown) });
    } finally {
      this.#wakeLock.want(false);
      this.#changed();
    }
  }

  /** Ends the present run so that it can be continued, and makes no other. */
  stop(): void {
    if (this.state.phase !== 'running') return;
    this.#show({ phase: 'stopping' });
    this.#stop?.();
  }

  async #makeAll(): Promise<void> {
    const runs = await this.#workers().runs();
    let previous: string | undefined;
    while (this.state.phase === 'running') {
      const run = await runs.nextQueued();
      if (run === null) return;
      // A run that ended without a word and is still in the queue would be begun for ever.
      if (run.id === previous) await runs.fail(run.id);
      else {
        previous = run.id;
        this.#show({ run, step: 0, steps: 0 });
        await this.#make(run, runs);
      }
    }
  }

  async #make(run: QueuedRun, runs: RunsClient): Promise<void> {
    try {
      if (run.kind === 'grpo') await this.#reinforce(run);
      else await this.#train(run);
    } catch (thrown) {
      this.#show({ failure: failureOf(thrown) });
      await runs.fail(run.id);
    } finally {
      this.#stop = undefined;
    }
  }

  async #train(run: QueuedRun): Promise<void> {
    await this.#use(this.#workers().openTraining, (client) =>
      client.run({ from: sourceOf(run), ...this.#circumstances() }, (event) => this.#happened(event)),
    );
  }

  /** A demonstration of one branch. */
  async #reinforce({ id: runId, name, experiment, startUrl, checkpointId }: QueuedRun): Promise<void> {
    const kept = { runId, checkpointId, parent: null, coefficient: null };
    const branches = [{ name: name.slice(0, MAX_BRANCH_NAME), experiment, kept }];
    await this.#use(this.#workers().openGrpo, (client) =>
      client.run({ modelUrl: startOf(startUrl), branches, ...this.#circumstances() }, (event) => {
        this.#happened(event);
        // A demonstration stays open for forks, which nobody asks of a queue.
        if (event.kind === 'finished') this.#stop?.();
      }),
    );
  }

  /** Does work in a worker of its own, which a stop reaches. */
  async #use<Client extends Pick<TrainingClient | GrpoClient, 'command' | 'close'>>(
    open: (() => Promise<Client>) | undefined,
    work: (client: Client) => Promise<void>,
  ): Promise<void> {
    if (open === undefined) throw new Error('The view has no worker for training.');
    const client = await open();
    this.#stop = () => void client.command({ kind: 'stop' }).catch(() => undefined);
    try {
      await work(client);
    } finally {
      client.close();
    }
  }

  #circumstances(): { backend: BackendChoice; isVisible: boolean; isRecorded: false } {
    const isVisible = document.visibilityState === 'visible';
    return { backend: this.#workers().backend, isVisible, isRecorded: false };
  }

  #happened(event: SomeEvent): void {
    if (event.kind === 'prepared' && 'steps' in event) this.#show({ step: event.step, steps: event.steps });
    else if (event.kind === 'branch') this.#show({ step: event.step, steps: event.steps });
    else if (event.kind === 'log' || event.kind === 'step') this.#show({ step: event.step });
    else if (event.kind === 'failed') this.#failed(event);
    if (NEWS.has(event.kind)) this.#changed();
  }

  /** The queue continues after a failure, which is shown until the next one. */
  #failed({ code, message }: Failure): void {
    this.#show({ failure: { code, message: `${this.state.run?.name ?? 'A run'}: ${message}` } });
    const { run } = this.state;
    if (run !== undefined) void this.#workers().runs().then((runs) => runs.fail(run.id)).catch(() => undefined); // prettier-ignore
  }

  #show(change: Partial<QueueState>): void {
    this.state = { ...this.state, ...change };
    this.#host.requestUpdate();
  }
}

function sourceOf({ id: runId, kind, experiment, startUrl, checkpointId }: QueuedRun): TrainRequest['from'] {
  if (checkpointId !== null) return { kind: 'checkpoint', id: checkpointId };
  if (kind === 'sft') return { kind: 'experiment', experiment, runId };
  return { kind: 'student', experiment, teacherUrl: startOf(startUrl), runId };
}

/** False if another tab makes the runs of the queue. Without locks, this tab is taken to be the only one. */
async function whileAlone(work: () => Promise<void>): Promise<boolean> {
  const locks: LockManager | undefined = navigator.locks;
  if (locks === undefined) {
    await work();
    return true;
  }
  return locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (lock === null) return false;
    await work();
    return true;
  });
}
