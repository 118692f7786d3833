/**
 * "Learn from these" in the Files view: a lesson is made of the grades and corrections of the open file, a model goes on
 * learning from it in a training thread, and both models are compared on held-out queries. The state is kept with the
 * file, so that a page that was closed finds the lesson again.
 */
import type { ReactiveControllerHost } from 'lit';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import { checkpointUrl } from '../../protocol/grpo.ts';
import type { Learning } from '../../protocol/learning.ts';
import type { ModelChoice } from '../../protocol/model-choice.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { TrainingEvent } from '../../protocol/training.ts';
import type { CheckpointClient } from '../parts/sessions/checkpoint-client.ts';
import type { OpenTraining } from '../parts/sessions/training-client.ts';
import { type RunCommand, type RunSource, trainingController } from '../parts/sessions/training-controller.ts';
import { isUnderWay } from '../parts/sessions/training-state.ts';
import { bundledModel } from '../score/bundled-models.ts';
import type { FilesController } from './files-controller.ts';
import { modelSource } from './files-surroundings.ts';

/** What the view provides for learning. */
export interface LearningSurroundings {
  readonly openTraining: OpenTraining | undefined;
  readonly openStore: (() => Promise<CheckpointClient>) | undefined;
  readonly backend: BackendChoice;
}

export class LearningController {
  /** The last lesson of the open file; null if there was none. */
  learning: Learning | null = null;
  failure: Failure | undefined;
  /** What is being done besides training. */
  doing: 'gathering' | 'comparing' | undefined;
  /** Increases with each change. */
  version = 0;
  readonly files: FilesController;
  readonly training: ReturnType<typeof trainingController>;
  readonly #host: ReactiveControllerHost;
  readonly #surroundings: () => LearningSurroundings;
  /** The file whose lesson is known. */
  #file: string | undefined;

  constructor(host: ReactiveControllerHost, files: FilesController, surroundings: () => LearningSurroundings) {
    this.#host = host;
    this.files = files;
    this.#surroundings = surroundings;
    const open: OpenTraining = () => {
      const { openTraining } = surroundings();
      return openTraining === undefined
        ? Promise.reject(new Error('The view has no worker for training.'))
        : openTraining();
    };
    this.training = trainingController(host, open, (event) => this.#happened(event));
  }

  /** Whether the lesson is being learned or compared. */
  get isBusy(): boolean {
    return this.doing !== undefined || isUnderWay(this.training.state);
  }

  /** Whether the open file is scored by the model that learned from it. */
  get isAdopted(): boolean {
    const choice = this.files.table?.file.scoring.choice;
    return choice?.kind === 'checkpoint' && choice.id === this.learning?.checkpointId;
  }

  /** Finds the lesson of the file that is shown; the run of another file is stopped, and can be continued there. */
  async look(fileId: string | undefined): Promise<void> {
    if (this.#file === fileId) return;
    this.#file = fileId;
    if (this.isBusy) this.training.command({ kind: 'stop' });
    this.#show({ learning: null, failure: undefined, doing: undefined });
    const learning = (await this.files.given((thread) => thread.learning())) ?? null;
    if (this.#file === fileId) this.#show({ learning });
  }

  /** Begins a lesson with the model that scores the file. @param steps - undefined for as many as fit the pairs */
  async start(steps: number | undefined): Promise<void> {
    if (this.isBusy) return;
    const file = this.#file;
    this.#show({ failure: undefined, doing: 'gathering' });
    await this.#attempt(async () => {
      const lesson = await this.files.given((thread) => thread.lesson());
      if (lesson === undefined || file !== this.#file) return;
      const { learning, file: pairs, grades } = lesson;
      const { name, sha256 } = await (await this.training.thread()).readData({ files: [pairs] });
      await this.#keep(learning);
      const sft = steps === undefined ? {} : { sft: { steps } };
      const experiment = { name: learning.name, data: { kind: 'file', name, sha256, grades }, ...sft };
      const { runId, from } = learning;
      this.#run({ kind: 'continuation', experiment, startUrl: urlOf(from), runId });
    });
    this.#show({ doing: undefined });
  }

  /** Continues a lesson that was stopped or cut short. */
  async resume(): Promise<void> {
    const { learning } = this;
    if (learning === null || this.isBusy) return;
    if (learning.checkpointId !== null) return this.compare();
    this.#show({ failure: undefined });
    await this.#attempt(async () => {
      const overview = await (await this.#store()).overview();
      const unfinished = overview.runs.find(({ id }) => id === learning.runId);
      const last = unfinished?.lastCheckpoint ?? overview.checkpoints.find(({ runId }) => runId === learning.runId);
      if (last !== undefined) return this.#run({ kind: 'checkpoint', id: last.id });
      if (unfinished === undefined) return this.#keep(null); // nothing of it is left
      const { experiment, startUrl } = JSON.parse(unfinished.configJson) as Record<string, unknown>;
      return this.#run({ kind: 'continuation', experiment, startUrl: String(startUrl), runId: learning.runId });
    });
  }

  command(kind: RunCommand['kind']): void {
    this.training.command({ kind });
  }

  /** Compares the model that learned with the one before, on held-out queries. */
  async compare(): Promise<void> {
    const id = this.learning?.checkpointId;
    if (id === undefined || id === null) return;
    this.#show({ failure: undefined, doing: 'comparing' });
    await this.#attempt(async () => {
      const choice = { kind: 'checkpoint', id } as const;
      const { openStore } = this.#surroundings();
      const backend: BackendChoice = this.files.table?.file.scoring.backend ?? 'auto';
      const load = { source: await modelSource(choice, openStore), backend };
      this.files.prepared = undefined; // there is room for one model
      const learning = await this.files.given((thread) => thread.compare({ choice, load }, () => undefined));
      if (learning !== undefined) this.#show({ learning });
    });
    this.#show({ doing: undefined });
  }

  /** Scores the file with the model that learned. */
  adopt(): Promise<void> {
    const id = this.learning?.checkpointId;
    return id === undefined || id === null ? Promise.resolve() : this.#rescore({ kind: 'checkpoint', id });
  }

  /** Scores the file with the model before, as it was. */
  async goBack(): Promise<void> {
    if (this.learning !== null) await this.#rescore(this.learning.from);
  }

  /** Forgets the lesson; checkpoints of it stay among the models. */
  async discard(): Promise<void> {
    const runId = this.learning?.runId;
    this.training.dismiss();
    await this.#attempt(async () => {
      await this.#keep(null);
      if (runId !== undefined) await (await this.#store()).forgetRun(runId);
    });
  }

  async #rescore(choice: ModelChoice): Promise<void> {
    const { table } = this.files;
    const { pairs = 0, backend } = table?.file.scoring ?? {};
    const limit = pairs === table?.size ? 0 : pairs;
    if (await this.files.prepare(choice, backend)) await this.files.begin(limit);
  }

  #run(from: RunSource): void {
    const { backend } = this.#surroundings();
    void this.training.run({ from, backend, isRecorded: false });
  }

  #happened(event: TrainingEvent): void {
    this.version += 1;
    if (event.kind !== 'finished' || this.learning === null) return;
    const { checkpointId } = event;
    if (checkpointId === null) {
      const message = 'The model that learned could not be stored, so it cannot score the file.';
      this.#show({ failure: { code: 'storage-full', message } });
      return;
    }
    void this.#keep({ ...this.learning, checkpointId }).then(() => this.compare());
  }

  async #keep(learning: Learning | null): Promise<void> {
    await this.files.given((thread) => thread.keepLearning(learning));
    this.#show({ learning });
  }

  async #store(): Promise<CheckpointClient> {
    const { openStore } = this.#surroundings();
    if (openStore === undefined) throw new Error('The view has no store of checkpoints.');
    return openStore();
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.#show({ failure: failureOf(thrown) });
    }
  }

  #show(change: Partial<Pick<LearningController, 'learning' | 'failure' | 'doing'>>): void {
    Object.assign(this, change);
    this.version += 1;
    this.#host.requestUpdate();
  }
}

/** Where the training thread finds a model. */
function urlOf({ kind, id }: ModelChoice): string {
  return kind === 'checkpoint' ? checkpointUrl(id) : new URL(bundledModel(id).folder, document.baseURI).href;
}
