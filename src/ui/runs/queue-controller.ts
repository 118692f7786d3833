/**
 * Makes the runs of the queue one after another. The queue itself is stored, so a page that was closed finds it again:
 * the run that was under way continues from its last checkpoint, exactly as if it had never stopped.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { LabError } from '../../common/errors.ts';
import { type Failure, failureOf, isOfRun } from '../../protocol/failure.ts';
import { checkpointIdIn, type GrpoEvent } from '../../protocol/grpo.ts';
import type { QueuedRun } from '../../protocol/runs.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { TrainingEvent, TrainRequest } from '../../protocol/training.ts';
import type { GrpoClient, OpenGrpo } from '../parts/sessions/grpo-client.ts';
import type { OpenTraining, TrainingClient } from '../parts/sessions/training-client.ts';
import { ScreenWakeLock } from '../parts/wake-lock.ts';
import { BUNDLED_MODELS, WORLD_MODEL, START_FOLDER } from '../score/bundled-models.ts';
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
const ENDED_SILENTLY: Failure = { code: 'bad-config', message: 'It ended without a result.' };

/**
 * Where the start or the teacher of a run is. A model that comes with the page is taken from this page wherever the
 * record is from; a record without an address, as of the command line, has the one that its command takes by default.
 * The hash in the record says whether that is the right one.
 *
 * @throws {LabError} `bad-config` for another site, which an imported record may name
 */
function startOf({ kind, startUrl }: QueuedRun): string {
  const base = document.baseURI;
  if (startUrl === null) return new URL(kind === 'grpo' ? START_FOLDER : WORLD_MODEL.folder, base).href;
  if (checkpointIdIn(startUrl) !== undefined || new URL(startUrl, base).origin === location.origin) return startUrl;
  const bundled = BUNDLED_MODELS.find(({ folder }) => new URL(startUrl, base).pathname.endsWith(`/${folder}`));
  if (bundled !== undefined) return new URL(bundled.folder, base).href;
  throw new LabError('bad-config', {
    message: 'The start of this run is on another site, from which nothing is fetched.',
    expected: `an address of ${location.origin}, a model that comes with the page, or a checkpoint of this browser`,
    got: startUrl,
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
  /** Of the present run, as its worker reported it. */
  #failure: Failure | undefined;

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

  /** Makes runs until none is waiting, or one fails for reasons that are not its own. */
  async #makeAll(): Promise<void> {
    const runs = await this.#workers().runs();
    let previous: string | undefined;
    while (this.state.phase === 'running') {
      const run = await runs.nextQueued();
      if (run === null) return;
      // A run that ended without a word and is still in the queue would be begun for ever.
      const failure = run.id === previous ? ENDED_SILENTLY : await this.#make(run);
      previous = run.id;
      if (failure === undefined) continue;
      this.#show({ failure: { code: failure.code, message: `${run.name}: ${failure.message}` } });
      if (!isOfRun(failure)) return;
      await runs.fail(run.id);
      this.#changed();
    }
  }

  /** @returns why the run failed */
  async #make(run: QueuedRun): Promise<Failure | undefined> {
    this.#show({ run, step: 0, steps: 0 });
    this.#failure = undefined;
    try {
      if (run.kind === 'grpo') await this.#reinforce(run);
      else await this.#train(run);
      return this.#failure;
    } catch (thrown) {
      return failureOf(thrown);
    } finally {
      this.#stop = undefined;
    }
  }

  async #train(run: QueuedRun): Promise<void> {
    const from = sourceOf(run);
    await this.#use(this.#workers().openTraining, (client) =>
      client.run({ from, ...this.#circumstances() }, (event) => this.#happened(event)),
    );
  }

  /** A demonstration of one branch. */
  async #reinforce(run: QueuedRun): Promise<void> {
    const { id: runId, name, experiment, startHash, checkpointId } = run;
    const modelUrl = startOf(run);
    const kept = { runId, checkpointId, parent: null, coefficient: null };
    const branches = [{ name: name.slice(0, MAX_BRANCH_NAME), experiment, kept }];
    await this.#use(this.#workers().openGrpo, (client) =>
      client.run({ modelUrl, startHash, branches, ...this.#circumstances() }, (event) => {
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
      // A stop that came while the worker was opened had nothing to stop yet.
      if (this.state.phase === 'running') await work(client);
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
    else if (event.kind === 'failed') this.#failure = { code: event.code, message: event.message };
    else if (event.kind === 'branch-ended') this.#failure = event.failure ?? undefined;
    if (NEWS.has(event.kind)) this.#changed();
  }

  #show(change: Partial<QueueState>): void {
    this.state = { ...this.state, ...change };
    this.#host.requestUpdate();
  }
}

function sourceOf(run: QueuedRun): TrainRequest['from'] {
  const { id: runId, kind, experiment, startHash, checkpointId } = run;
  if (checkpointId !== null) return { kind: 'checkpoint', id: checkpointId };
  if (kind === 'sft' && run.startUrl === null) return { kind: 'experiment', experiment, runId };
  if (kind === 'sft') return { kind: 'continuation', experiment, startUrl: startOf(run), runId };
  return { kind: 'student', experiment, teacherUrl: startOf(run), teacherHash: startHash, runId };
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
