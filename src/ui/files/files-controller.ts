/**
 * The state of the Files view: a file is stored, mapped, prepared, scored and shown. The controller owns the thread
 * that does the work, and starts it again if its backend is lost; opening the file restores all state.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { LabError } from '../../common/errors.ts';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import {
  MAX_FILES,
  type Explained,
  type FileList,
  type FileMeasures,
  type FileScoring,
  type FileScoringEvent,
  type OpenedFile,
  type Verified,
  type Without,
} from '../../protocol/files.ts';
import { isOwnRules, type ModelChoice } from '../../protocol/model-choice.ts';
import type { BackendChoice, LoadProgress } from '../../protocol/scoring.ts';
import { askToPersist } from '../parts/persistence.ts';
import { ScreenWakeLock } from '../parts/wake-lock.ts';
import { AskedScorer } from './thread/asked-scorer.ts';
import type { FilesClient } from './thread/files-client.ts';
import { type FilesSurroundings, loadRequestOf } from './files-surroundings.ts';
import { tooManyFiles } from './files-failure.ts';
import { ScoringPace } from './scoring-pace.ts';
import { FilesThread } from './thread/files-thread.ts';
import { FileTabs } from './thread/file-tabs.ts';
import { GivenGrades } from './given-grades.ts';
import { FILES_MODEL, type FilesStage, MEASURE_AFTER_MS, type StateName } from './files-state.ts';
import { JudgedTable } from './judged-table.ts';

export class FilesController implements ReactiveController {
  stage: FilesStage = 'list';
  list: FileList | undefined;
  /** The name of the file being read. */
  reading = '';
  file: OpenedFile | undefined;
  failure: Failure | undefined;
  choice: ModelChoice = FILES_MODEL;
  /** The progress of loading the model; undefined if none is being loaded. */
  preparing: LoadProgress | undefined;
  prepared: FileScoring | undefined;
  table: JudgedTable | undefined;
  isScoring = false;
  /** Undefined until measured, null without anything to measure. */
  measures: FileMeasures | null | undefined;
  /** Increases with each change of the table, because its elements get the same object. */
  version = 0;
  /** Of what has been scored here. */
  readonly pace = new ScoringPace();
  readonly #host: ReactiveControllerHost;
  readonly #caughtUp: () => void;
  #surroundings: FilesSurroundings | undefined;
  readonly #thread = new FilesThread({
    openFiles: () => this.#surroundings?.openFiles,
    shown: () => ({ id: this.openId, isScored: this.table !== undefined }),
    onGone: () => this.#forgetModel(),
  });
  #request = 0;
  readonly #scorer = new AskedScorer({
    state: () => this,
    prepare: (choice, backend) => this.prepare(choice, backend),
    ask: (ask) => this.ask(ask),
  });
  #measureSoon: ReturnType<typeof setTimeout> | undefined;
  readonly #awake = new ScreenWakeLock();
  readonly #tabs = new FileTabs((fileId) => this.#heard(fileId));
  readonly grades = new GivenGrades({
    table: () => this.table,
    given: (ask, again) => this.given(ask, again),
    changed: () => this.#gradesChanged(),
    stored: () => this.tell(),
    other: () => void (this.openId !== undefined && this.open(this.openId)),
  });
  /** Whose ranks by BM25 were asked for. */
  #ranked: JudgedTable | undefined;

  /** @param caughtUp - called when another tab may have changed the open file, its rules and its lesson too */
  constructor(host: ReactiveControllerHost, caughtUp: () => void = () => undefined) {
    this.#host = host;
    this.#caughtUp = caughtUp;
    host.addController(this);
  }

  hostConnected(): void {
    this.#tabs.connect();
  }

  hostDisconnected(): void {
    this.#tabs.close();
    clearTimeout(this.#measureSoon);
    this.#thread.close();
    this.prepared = undefined;
  }

  use(surroundings: FilesSurroundings): void {
    this.#surroundings = surroundings;
  }

  get openId(): string | undefined {
    return this.file?.entry.id;
  }

  /** Shows the list of stored files. */
  async showList(): Promise<void> {
    await this.#attempt(async (isCurrent) => {
      this.#set({ stage: 'list', file: undefined, table: undefined, prepared: undefined, measures: undefined });
      if (this.isScoring) await this.ask((thread) => thread.pause());
      const list = await this.ask((thread) => thread.list());
      if (isCurrent()) this.#set({ list });
    });
  }

  /** Opens a stored file. */
  async open(id: string): Promise<void> {
    await this.#attempt(async (isCurrent) => {
      const known = this.list?.entries.find((entry) => entry.id === id)?.name ?? 'the file';
      this.#set({ stage: 'reading', reading: known, table: undefined, measures: undefined, prepared: undefined });
      const file = await this.ask((thread) => thread.open(id));
      if (isCurrent()) await this.#showFile(file);
    }, 'list');
  }

  /** Stores files that were chosen or dropped, and opens them. */
  async add(files: readonly { readonly name: string; readonly blob: Blob }[]): Promise<void> {
    if (files.length === 0) return;
    await this.#attempt(async (isCurrent) => {
      const reading = files.map(({ name }) => name).join(' and ');
      this.#set({ stage: 'reading', reading, table: undefined, measures: undefined, prepared: undefined });
      if (files.length > MAX_FILES) throw tooManyFiles(files.length);
      void askToPersist();
      const file = await this.ask((thread) => thread.add({ files: [...files] }));
      if (isCurrent()) await this.#showFile(file);
    }, 'list');
    if (this.stage === 'list') await this.#refreshList();
  }

  async remove(id: string): Promise<void> {
    if (await this.#beside(() => this.ask((thread) => thread.remove(id)))) this.tell(id);
    await this.#refreshList();
  }

  /** Sets how the open file is read. @param isMapped - whether the person has confirmed it */
  async map(
    columns: Record<string, string>,
    grades: string,
    isMapped: boolean,
    reading = this.file?.reading,
  ): Promise<void> {
    // Shown before the thread has read the file again, because the next choice is made from what is shown.
    if (this.file !== undefined && reading !== undefined)
      this.#set({ file: { ...this.file, columns, grades, reading } });
    await this.#attempt(async (isCurrent) => {
      const file = await this.ask((thread) => thread.map(columns, grades, isMapped, reading));
      this.tell();
      if (!isCurrent()) return;
      if (isMapped) await this.#showFile(file);
      else this.#set({ file });
    });
  }

  /** Goes back to the columns, or to the choice of a model. */
  async back(stage: 'mapping' | 'ready'): Promise<void> {
    this.#set({ stage, failure: undefined });
    if (stage === 'ready') await this.prepare(this.choice);
  }

  /** Shows the scores again. */
  showResults(): void {
    if (this.table !== undefined) this.#set({ stage: 'results', failure: undefined });
  }

  /** Loads the model that will score the open file. @returns whether it is ready */
  async prepare(choice: ModelChoice, backend?: BackendChoice): Promise<boolean> {
    let isReady = false;
    await this.#attempt(async (isCurrent) => {
      this.#set({ choice, prepared: undefined, preparing: { stage: 'backend', receivedBytes: 0, totalBytes: null } });
      const load = await loadRequestOf(choice, this.#surroundings, backend);
      const heard = (preparing: LoadProgress): void => (isCurrent() ? this.#set({ preparing }) : undefined);
      const prepared = await this.ask((thread) => thread.prepare({ choice, load }, heard));
      if (!isCurrent()) return;
      isReady = true;
      this.#set({ prepared, preparing: undefined, failure: undefined });
    });
    if (this.failure !== undefined) this.#set({ preparing: undefined });
    return isReady;
  }

  /** Starts scoring. @param limit - 0 for all pairs */
  async begin(limit: number): Promise<void> {
    await this.#attempt(async (isCurrent) => {
      const table = new JudgedTable(await this.ask((thread) => thread.begin(limit)));
      this.tell();
      if (!isCurrent()) return;
      this.#set({ table, stage: 'results', measures: undefined });
      this.#scorer.forgetLosses();
      void this.#score(table);
    });
  }

  /** Scores the pairs that have no score yet. */
  async resume(): Promise<void> {
    const { table } = this;
    if (table === undefined || this.isScoring) return;
    this.#scorer.forgetLosses();
    if (await this.#scorer.isPrepared(table.file.scoring)) await this.#score(table);
  }

  async correct(place: number, label: number | null, author: string): Promise<void> {
    await this.grades.correct(place, label, author);
  }

  /** Tells other tabs that a file was changed here. */
  tell(fileId = this.openId): void {
    if (fileId !== undefined) this.#tabs.tell(fileId);
  }

  /**
   * The words that a pair has in common, and its score without some.
   *
   * @throws what the thread throws
   */
  async without(place: number, removed: readonly string[]): Promise<Without | undefined> {
    const scoring = this.table?.file.scoring;
    if (removed.length === 0) return this.ask((thread) => thread.without(place, removed));
    return scoring && this.#scorer.ask(scoring, (thread) => thread.without(place, removed));
  }

  /** The first reason of each label (protocol/files.ts, reasonsAt); undefined if what gives them cannot be loaded. */
  async reasons(places: readonly number[]): Promise<(string | null)[] | undefined> {
    const scoring = this.table?.file.scoring;
    return scoring && this.#scorer.ask(scoring, (thread) => thread.reasonsAt([...places]));
  }

  /** What the rules that score the file say of a pair; null if a model scores it. */
  async explain(place: number): Promise<Explained | null> {
    const scoring = this.table?.file.scoring;
    if (scoring?.choice.kind !== 'rules') return null;
    return (await this.#scorer.ask(scoring, (thread) => thread.explain(place))) ?? null;
  }

  /** Checks a proof of the open file's scores by scoring all of its pairs again; undefined if that failed. */
  async verify(proof: Blob): Promise<Verified | undefined> {
    const scoring = this.table?.file.scoring;
    if (scoring === undefined || this.isScoring) return undefined;
    let verified: Verified | undefined;
    await this.#beside(async () => (verified = await this.#scorer.ask(scoring, (thread) => thread.verify(proof, 0))));
    return verified;
  }

  /** Shows a file that has been read: its columns, the choice of a model, or its results. */
  async #showFile(file: OpenedFile): Promise<void> {
    this.#set({ file, failure: undefined });
    const { scoring } = file.entry;
    if (!file.isMapped) {
      this.#set({ stage: 'mapping' });
    } else if (scoring === null) {
      this.#set({ stage: 'ready', table: undefined });
      await this.prepare(isOwnRules(this.choice) ? FILES_MODEL : this.choice); // the rules were another file's
    } else {
      const table = new JudgedTable(await this.ask((thread) => thread.table()));
      this.#set({ table, stage: 'results', choice: scoring.choice });
      void this.#rankByBm25(table);
      this.#measureLater(0);
      // The page was closed while it was scoring.
      if (scoring.state === 'running') await this.resume();
    }
  }

  async #score(table: JudgedTable): Promise<void> {
    this.pace.begin();
    this.#set({ isScoring: true, failure: undefined });
    this.#awake.want(true);
    const failed = await this.ask(async (thread) => {
      let failure: Failure | undefined;
      await thread.score((event) => (failure = this.#receive(event) ?? failure));
      if (failure !== undefined) throw new LabError(failure.code, failure);
    }).then(() => undefined, failureOf);
    this.#awake.want(false);
    this.tell();
    this.#set({ isScoring: false, ...(failed && { failure: failed }) });
    this.#measureLater(0);
    if (table !== this.table || !this.#scorer.mayRetry(failed)) return;
    if (await this.#scorer.isPrepared(table.file.scoring)) await this.#score(table);
  }

  /** Applies an event. @returns the failure that it tells of */
  #receive(event: FileScoringEvent): Failure | undefined {
    switch (event.kind) {
      case 'scores':
        this.#scorer.forgetLosses();
        this.table?.add(event.scores);
        this.pace.add(event.scores.places.length);
        if (this.table !== undefined) void this.#rankByBm25(this.table);
        this.#changed();
        return undefined;
      case 'ended':
        return undefined;
      case 'failed':
        return { code: event.code, message: event.message };
      default:
        return event satisfies never;
    }
  }

  /** The model went with its thread; where one is being chosen it is loaded again. */
  #forgetModel(): void {
    const isWanted = this.stage === 'ready' && this.prepared !== undefined;
    this.#set({ prepared: undefined });
    if (isWanted) void this.prepare(this.choice);
  }

  /** Asks for the ranks of a new table after its first labels, because BM25 reads all pairs for them. */
  async #rankByBm25(table: JudgedTable): Promise<void> {
    if (this.#ranked === table) return;
    this.#ranked = table;
    table.bm25Ranks = await this.given((thread) => thread.bm25Ranks());
    if (table.bm25Ranks === undefined) this.#ranked = undefined;
    this.#changed();
  }

  #gradesChanged(): void {
    this.#changed();
    this.#measureLater();
  }

  /** Another tab has changed a file. @param fileId - undefined for any */
  #heard(fileId: string | undefined): void {
    if (this.stage === 'list') void this.#refreshList();
    if (this.openId === undefined || this.isScoring || (fileId !== undefined && fileId !== this.openId)) return;
    if (this.stage === 'list' || this.stage === 'reading') return;
    void this.grades.catchUp().then(this.#caughtUp);
  }

  #measureLater(afterMs = MEASURE_AFTER_MS): void {
    clearTimeout(this.#measureSoon);
    this.#measureSoon = setTimeout(() => {
      const { table } = this;
      if (this.isScoring || table === undefined) return;
      void this.#beside(async () => {
        const measures = await this.ask((thread) => thread.measure());
        if (table === this.table) this.#set({ measures });
      });
    }, afterMs);
  }

  async #refreshList(): Promise<void> {
    const list = await this.ask((thread) => thread.list()).catch(() => undefined);
    this.#set({ list });
  }

  /** Runs a request and shows its failure, unless a newer request was made meanwhile. */
  async #attempt(work: (isCurrent: () => boolean) => Promise<unknown>, stageIfFailed?: FilesStage): Promise<void> {
    const request = ++this.#request;
    const isCurrent = (): boolean => request === this.#request;
    try {
      await work(isCurrent);
    } catch (thrown) {
      if (!isCurrent()) return;
      this.#set({ failure: failureOf(thrown), ...(stageIfFailed === undefined ? {} : { stage: stageIfFailed }) });
    }
  }

  /** Runs a request that does not change the stage, and shows its failure. @returns whether it succeeded */
  async #beside(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (thrown) {
      const failure = failureOf(thrown);
      // The person has gone on to something else.
      if (failure.code !== 'aborted') this.#set({ failure });
      return false;
    }
  }

  /** The answer of the thread to a request. @param again - as for {@link FilesThread} @throws what the thread throws */
  ask<T>(ask: (thread: FilesClient) => Promise<T>, again = false): Promise<T> {
    return this.#thread.ask(ask, again);
  }

  /** The answer of the thread to a request; undefined if the request failed. @param again - as for {@link ask} */
  async given<T>(ask: (thread: FilesClient) => Promise<T>, again = false): Promise<T | undefined> {
    let given: T | undefined;
    await this.#beside(async () => (given = await this.ask(ask, again)));
    return given;
  }

  #changed(): void {
    this.version += 1;
    this.#host.requestUpdate();
  }

  #set(change: Partial<Pick<FilesController, StateName>>): void {
    Object.assign(this, change);
    this.#changed();
  }
}
