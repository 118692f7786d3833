/**
 * "Learn from these" in the Files view: the grades and corrections of the open file become a lesson, a training thread
 * continues the model on it, and both models are compared on held-out queries. The state is kept with the
 * file, so that a page that was closed finds the lesson again.
 */
import type { ReactiveControllerHost } from 'lit';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import { checkpointUrl } from '../../protocol/grpo.ts';
import type { OpenedFile } from '../../protocol/files.ts';
import type { Learning } from '../../protocol/learning.ts';
import type { ModelChoice } from '../../protocol/model-choice.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { TrainingEvent } from '../../protocol/training.ts';
import type { CheckpointClient } from '../parts/sessions/checkpoint-client.ts';
import type { OpenTraining } from '../parts/sessions/training-client.ts';
import { type RunCommand, type RunSource, trainingController } from '../parts/sessions/training-controller.ts';
import { isUnderWay } from '../parts/sessions/training-state.ts';
import { sourceOf } from '../parts/sessions/unfinished-source.ts';
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
  /** The file that was shown last. */
  #fileId: string | undefined;
  /** That file with its columns and grades: under others, its lesson is void. */
  #reading: string | undefined;
  /** Whether the lesson under this reading was asked for. */
  #isKnown = false;
  /** The lesson that the run learns, and its file, which may not be the open one when the run ends. */
  #taught: { readonly fileId: string; readonly learning: Learning } | undefined;

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

  /**
   * Finds the lesson of the file that is shown. The run of another file is stopped, and can be continued there; the run
   * of this file under other columns or grades is stopped and forgotten, as its scores are.
   *
   * @param file - undefined while there is none, which changes nothing
   * @param isScored - whether its scores are shown, beside which the lesson is
   */
  async look(file: OpenedFile | undefined, isScored: boolean): Promise<void> {
    if (file === undefined) return;
    const { columns, grades, reading: how, entry } = file;
    const reading = JSON.stringify([entry.id, columns, grades, how]);
    if (reading !== this.#reading) {
      if (this.#taught?.fileId === entry.id) this.#taught = undefined;
      this.#fileId = entry.id;
      this.#reading = reading;
      this.#isKnown = false;
      if (this.isBusy) this.training.command({ kind: 'stop' });
      this.#show({ learning: null, failure: undefined, doing: undefined });
    }
    if (!isScored || this.#isKnown) return;
    this.#isKnown = true;
    await this.lookAgain();
  }

  /** Shows the lesson that is kept, which another tab may have changed; what is under way here goes on. */
  async lookAgain(): Promise<void> {
    const reading = this.#reading;
    if (!this.#isKnown || this.isBusy) return;
    const learning = (await this.files.given((thread) => thread.learning())) ?? null;
    if (this.#reading === reading && !this.isBusy) this.#show({ learning });
  }

  /**
   * Begins a lesson with the model that scores the file.
   *
   * @param steps - undefined for as many as fit the pairs
   * @param replayShare - of the training pairs that repeat a rule world, if the model learned from one
   */
  async start(steps: number | undefined, replayShare?: number): Promise<void> {
    const fileId = this.#fileId;
    if (fileId === undefined || this.isBusy) return;
    await this.#do('gathering', async (isCurrent) => {
      const lesson = await this.files.given((thread) => thread.lesson());
      if (lesson === undefined || !isCurrent()) return;
      const { learning, file: pairs, grades } = lesson;
      const { name, sha256 } = await (await this.training.thread()).readData({ files: [pairs] });
      if (!isCurrent()) return;
      if (!(await this.#keep(fileId, learning)) || !isCurrent()) return;
      const asked = {
        ...(steps !== undefined && { sft: { steps } }),
        ...(replayShare !== undefined && { replayShare }),
      };
      const experiment = { name: learning.name, data: { kind: 'file', name, sha256, grades }, ...asked };
      const { runId, from } = learning;
      this.#run({ kind: 'continuation', experiment, startUrl: urlOf(from), runId }, { fileId, learning });
    });
  }

  /** Continues a lesson that was stopped or cut short. */
  async resume(): Promise<void> {
    const { learning } = this;
    const fileId = this.#fileId;
    if (learning === null || fileId === undefined || this.isBusy) return;
    if (learning.checkpointId !== null) return this.compare();
    await this.#do(undefined, async (isCurrent) => {
      const overview = await (await this.#store()).overview();
      const unfinished = overview.runs.find(({ id }) => id === learning.runId);
      const last = unfinished?.lastCheckpoint ?? overview.checkpoints.find(({ runId }) => runId === learning.runId);
      if (!isCurrent()) return undefined;
      if (last !== undefined) return this.#run({ kind: 'checkpoint', id: last.id }, { fileId, learning });
      if (unfinished === undefined) return void (await this.#keep(fileId, null)); // nothing of it is left
      return this.#run(sourceOf(unfinished), { fileId, learning });
    });
  }

  command(kind: RunCommand['kind']): void {
    this.training.command({ kind });
  }

  /** Compares the model that learned with the one before, on held-out queries. */
  async compare(): Promise<void> {
    const id = this.learning?.checkpointId;
    const fileId = this.#fileId;
    if (id === undefined || id === null || fileId === undefined) return;
    await this.#do('comparing', async (isCurrent) => {
      const choice = { kind: 'checkpoint', id } as const;
      const { openStore } = this.#surroundings();
      const backend: BackendChoice = this.files.table?.file.scoring.backend ?? 'auto';
      const load = { source: await modelSource(choice, openStore), backend };
      if (!isCurrent()) return;
      this.files.prepared = undefined; // there is room for one model
      const learning = await this.files.given((thread) => thread.compare({ choice, load }, () => undefined, fileId));
      if (learning !== undefined && isCurrent()) this.#show({ learning });
    });
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
    const fileId = this.#fileId;
    if (fileId === undefined) return;
    this.#taught = undefined;
    this.training.dismiss();
    await this.#do(undefined, async () => {
      await this.#keep(fileId, null);
      if (runId !== undefined) await (await this.#store()).forgetRun(runId);
    });
  }

  async #rescore(choice: ModelChoice): Promise<void> {
    const { table } = this.files;
    const { pairs = 0, backend } = table?.file.scoring ?? {};
    const limit = pairs === table?.size ? 0 : pairs;
    if (await this.files.prepare(choice, backend)) await this.files.begin(limit);
  }

  #run(from: RunSource, taught: { readonly fileId: string; readonly learning: Learning }): void {
    this.#taught = taught;
    const { backend } = this.#surroundings();
    void this.training.run({ from, backend, isRecorded: false });
  }

  #happened(event: TrainingEvent): void {
    this.version += 1;
    const taught = this.#taught;
    // A stop that was asked for while the training thread was opened had nothing to stop yet.
    if (event.kind === 'prepared' && taught?.fileId !== this.#fileId) this.training.command({ kind: 'stop' });
    if (event.kind !== 'finished' || taught === undefined) return;
    this.#taught = undefined;
    const { fileId, learning } = taught;
    const { checkpointId } = event;
    if (checkpointId === null) {
      if (fileId !== this.#fileId) return;
      const message = 'The model that learned could not be stored, so it cannot score the file.';
      this.#show({ failure: { code: 'storage-full', message } });
      return;
    }
    void this.#keep(fileId, { ...learning, checkpointId }).then((isKept) =>
      isKept && fileId === this.files.openId ? this.compare() : undefined,
    );
  }

  /** Keeps a lesson with its file, and shows it if that is the file shown, read as it was. @returns whether it is kept */
  async #keep(fileId: string, learning: Learning | null): Promise<boolean> {
    const reading = this.#reading;
    const isKept = await this.files.given((thread) => thread.keepLearning(fileId, learning).then(() => true));
    if (isKept !== true) return false;
    this.files.tell(fileId);
    if (fileId === this.#fileId && reading === this.#reading) this.#show({ learning });
    return true;
  }

  async #store(): Promise<CheckpointClient> {
    const { openStore } = this.#surroundings();
    if (openStore === undefined) throw new Error('The view has no store of checkpoints.');
    return openStore();
  }

  /** Does work for the file that is shown. What becomes of it is not shown beside another file or reading. */
  async #do(
    doing: LearningController['doing'],
    work: (isCurrent: () => boolean) => Promise<void> | undefined,
  ): Promise<void> {
    const reading = this.#reading;
    const isCurrent = (): boolean => reading === this.#reading;
    this.#show({ failure: undefined, doing });
    try {
      await work(isCurrent);
    } catch (thrown) {
      if (isCurrent()) this.#show({ failure: failureOf(thrown) });
    }
    if (isCurrent()) this.#show({ doing: undefined });
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
