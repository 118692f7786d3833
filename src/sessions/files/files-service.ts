/**
 * The thread behind the Files view: stores files, reads them, scores them batch by batch and stores each batch before
 * it is sent, so that a killed page resumes after the last batch with the same scores. One file is open at a time.
 *
 * Room `sessions/files/`: the thread behind the Files view. What it shares with `lab score` is in `runs/score/`.
 */
import type { JudgedChange, JudgedFiles, JudgedRecord } from '../../checkpoint/judged-files.ts';
import { LabError } from '../../common/errors.ts';
import { openedOnce } from '../../common/opened-once.ts';
import { Turns } from '../../common/turns.ts';
import { parseConfig } from '../../config/parse.ts';
import { shapeOfFiles } from '../../data/layouts/open-data.ts';
import { untilDelivered } from '../../protocol/delivery.ts';
import { failureOf } from '../../protocol/failure.ts';
import {
  type AddFiles,
  AddFilesSchema,
  type CaughtUp,
  type Correction,
  type Explained,
  type Exported,
  type ExportFormat,
  type FileList,
  type FileMeasures,
  type FileReading,
  FileReadingSchema,
  type FilesApi,
  type FileScoring,
  type FileScoringEvent,
  type FileTable,
  type OpenedFile,
  type PrepareRequest,
  type Verified,
  type Without,
} from '../../protocol/files.ts';
import type { RulesPart, RulesProgress, RulesRequest, RulesState } from '../../protocol/file-rules.ts';
import type { Learning, Lesson } from '../../protocol/learning.ts';
import type { LoadProgress } from '../../protocol/scoring.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { FileCorrections } from './file-corrections.ts';
import { exportFile } from './file-export.ts';
import { proofFacts, verifyFile } from './file-proof.ts';
import { disposeFileModel, type FileBackend, loadFileModel } from './file-model.ts';
import { comparableOf, compareLearned, keepLesson, learningOf, lessonOf } from './file-learning.ts';
import { FileRules, ownRulesOf, withoutFinding } from './file-rules.ts';
import { FileScores } from './file-scores.ts';
import { explainByRules, PlacesSchema, reasonsAt, RemovedSchema, scoreWithout } from './file-without.ts';
import { paceOf, scoreOpen } from './file-scoring.ts';
import { ModelWork } from './model-work.ts';
import { checkReadAlike, isScoredAlike } from './other-tabs.ts';
import { bm25RanksOf, shownPair } from './shown-pairs.ts';
import {
  checkSize,
  describeOpen,
  entryOf,
  givenFiles,
  foldingOf,
  gradesOf,
  notReady,
  type OpenFile,
  readingOf,
  readOpen,
  readRows,
  scoresIn,
  scoringOf,
  unreadFile,
  whileUnscored,
} from './open-file.ts';

/** A store of files, such as the store of the browser. */
export type JudgedStore = Pick<JudgedFiles, keyof JudgedFiles>;

/** What the thread provides to the service. */
export interface FilesSurroundings extends FileBackend {
  readonly openStore: () => Promise<{ readonly judged: JudgedStore }>;
}

export class FilesService implements FilesApi {
  readonly #surroundings: FilesSurroundings;
  readonly #store: () => Promise<JudgedStore>;
  #open: OpenFile | undefined;
  /** Of mappings and loads of models. */
  readonly #turns = new Turns();
  /** How many models were asked for. */
  #asked = 0;
  readonly #work = new ModelWork();
  readonly #rules: FileRules;
  readonly #corrections: FileCorrections;

  constructor(surroundings: FilesSurroundings) {
    this.#surroundings = surroundings;
    this.#store = openedOnce(async () => (await surroundings.openStore()).judged);
    this.#corrections = new FileCorrections(this.#store);
    this.#rules = new FileRules(this.#store, (open) => this.#corrections.read(open));
  }

  async list(): Promise<FileList> {
    const { records, damaged } = await (await this.#store()).list();
    return { entries: records.map(entryOf), damaged: [...damaged] };
  }

  async add(request: AddFiles): Promise<OpenedFile> {
    const { files } = parseConfig('The files', AddFilesSchema, request);
    for (const { name, blob } of files) checkSize(name, blob);
    const shape = await shapeOfFiles(givenFiles(files));
    const store = await this.#store();
    const similar = (await store.list()).records.find((record) => record.shape === shape && record.isMapped);
    const mapping =
      similar === undefined ? {} : { columns: similar.columns, grades: similar.grades, reading: readingOf(similar) };
    const record = await store.add(files, { shape, ...mapping });
    return this.#show(record, similar !== undefined);
  }

  async open(id: string): Promise<OpenedFile> {
    if (this.#open?.record.id === id) await this.#halt(); // what it still stores belongs to the record that is read now
    return this.#show(await (await this.#store()).get(id), false);
  }

  async remove(id: string): Promise<void> {
    if (this.#open?.record.id === id) await this.#close();
    await (await this.#store()).remove(id);
  }

  /** Mappings run one after the other, because the last one requested must be the one that stays. */
  map(columns: Record<string, string>, grades: string, isMapped: boolean, reading?: FileReading): Promise<OpenedFile> {
    return this.#turns.take(() => this.#map(columns, grades, isMapped, reading));
  }

  async #map(
    columns: Record<string, string>,
    grades: string,
    isMapped: boolean,
    asked: FileReading | undefined,
  ): Promise<OpenedFile> {
    const open = this.#opened();
    await this.#halt();
    const before = readingOf(open.record);
    const reading = asked === undefined ? before : parseConfig('How a file is read', FileReadingSchema, asked);
    const store = await this.#store();
    const seen = open.record;
    const isChanged =
      JSON.stringify([columns, grades, reading]) !== JSON.stringify([open.record.columns, gradesOf(open), before]);
    if (isChanged) this.#rules.voidFindings();
    const change = (now: JudgedRecord): JudgedChange => {
      checkReadAlike(seen, now);
      // The rules are those that are kept now, because another tab may have changed them.
      return { columns, grades, isMapped, reading, ...(isChanged && { rules: withoutFinding(now) }) };
    };
    // Scores become void, because other files or columns give other pairs, and other grades another scale of labels.
    const voided = (now: JudgedRecord): JudgedChange => ({ ...change(now), scoring: null, learning: null });
    const record = isChanged
      ? await whileUnscored(seen, () => store.dropScores(seen.id, voided))
      : await store.update(seen.id, change);
    if (isChanged || open.rows === undefined) return this.#show(record, open.isRemembered);
    open.record = record;
    return describeOpen(open, null);
  }

  /** Models are loaded one after the other, because the last one requested must be the one that stays. */
  prepare(request: PrepareRequest, onProgress: (progress: LoadProgress) => void): Promise<FileScoring> {
    const number = ++this.#asked;
    return this.#turns.take(() => {
      if (number === this.#asked) return this.#prepare(request, onProgress);
      throw new LabError('aborted', { message: 'Another model was chosen.' });
    });
  }

  async #prepare(request: PrepareRequest, onProgress: (progress: LoadProgress) => void): Promise<FileScoring> {
    const open = this.#opened();
    const rows = readRows(open);
    await this.#work.halt();
    if (open.model !== undefined) disposeFileModel(open.model);
    open.model = undefined;
    const file = { rows, grades: gradesOf(open), ownRules: ownRulesOf(open) };
    const model = await loadFileModel(request, file, this.#surroundings, onProgress);
    if (this.#open !== open) {
      disposeFileModel(model);
      throw new LabError('aborted', { message: 'The file was closed while its model was being loaded.' });
    }
    open.model = model;
    const msPerPair = await this.#work.exclusively(() => paceOf(model, rows));
    if (model.model.prompt.standing) void rows.countWords(model.scoring.folding); // nothing waits for it yet
    return { ...model.scoring, ...(msPerPair !== undefined && { msPerPair }) };
  }

  async begin(limit: number): Promise<FileTable> {
    const open = this.#opened();
    await this.#work.halt();
    const { model } = open;
    if (model === undefined) throw notReady();
    const all = readRows(open).rows.length;
    const scoring: FileScoring = { ...model.scoring, pairs: limit > 0 ? Math.min(limit, all) : all };
    const store = await this.#store();
    const { record: seen } = open;
    const begun = (now: JudgedRecord): JudgedChange => {
      checkReadAlike(seen, now);
      return { scoring };
    };
    open.record = await whileUnscored(seen, () => store.dropScores(seen.id, begun));
    open.scores = undefined;
    return this.table();
  }

  async table(): Promise<FileTable> {
    const open = this.#opened();
    const rows = readRows(open);
    const scoring = scoringOf(open.record);
    if (scoring === null) throw notReady();
    const scores = await this.#scoresOf(open, scoring);
    const corrections = [...(await this.#corrections.read(open))];
    return { scoring, ...rows.table(), golds: scores.golds, scores: [...scores.chunks], corrections };
  }

  async bm25Ranks(): Promise<Int32Array<ArrayBuffer>> {
    await Promise.resolve();
    return bm25RanksOf(this.#opened());
  }

  async score(emit: (event: FileScoringEvent) => void): Promise<void> {
    await untilDelivered(emit, async (send) => {
      try {
        send({ kind: 'ended', state: await this.#work.exclusively((signal) => this.#scoreRest(send, signal)) });
      } catch (thrown) {
        send({ kind: 'failed', ...failureOf(thrown) });
      }
    });
  }

  async pause(): Promise<void> {
    await Promise.resolve(this.#work.stop());
  }

  async pair(place: number): Promise<Pair> {
    await Promise.resolve();
    return shownPair(this.#opened(), place);
  }

  async without(place: number, removed: readonly string[]): Promise<Without> {
    const open = this.#opened();
    const pieces = parseConfig('What is removed', RemovedSchema, removed);
    if (pieces.length === 0) return scoreWithout(open, place, pieces);
    return this.#work.exclusively(() => scoreWithout(open, place, pieces));
  }

  async reasonsAt(places: readonly number[]): Promise<(string | null)[]> {
    await Promise.resolve();
    return reasonsAt(this.#opened(), parseConfig('The places of pairs', PlacesSchema, places));
  }

  async explain(place: number): Promise<Explained | null> {
    await Promise.resolve();
    return explainByRules(this.#opened(), place);
  }

  async correct(correction: Correction): Promise<void> {
    await this.#corrections.give(this.#opened(), correction);
  }

  async undoCorrection(correction: Correction): Promise<void> {
    await this.#corrections.takeBack(this.#opened(), correction);
  }

  async catchUp(): Promise<CaughtUp> {
    const open = this.#opened();
    const corrections = [...(await this.#corrections.read(open))];
    const now = await (await this.#store()).get(open.record.id);
    // What is scored or checked here is locked, so that no other tab changes it.
    return { corrections, isOther: !this.#work.isBusy && !isScoredAlike(open.record, now) };
  }

  async measure(): Promise<FileMeasures | null> {
    const open = this.#opened();
    const scores = await this.#judged(open);
    return scores.measure(readRows(open).placed(foldingOf(open)));
  }

  async exportFile(format: ExportFormat): Promise<Exported> {
    const open = this.#opened();
    const rows = readRows(open);
    const scoring = scoringOf(open.record);
    if (scoring === null) throw notReady();
    const preview = open.previews.find(({ name }) => name === rows.name);
    return exportFile(format, {
      columns: preview?.columns ?? [],
      rows,
      scores: await this.#judged(open),
      scoring,
      proofFacts: () => proofFacts(open, scoring),
      placed: rows.placed(foldingOf(open)),
    });
  }

  async lesson(): Promise<Lesson> {
    const open = this.#opened();
    const scoring = scoringOf(open.record);
    if (scoring === null) throw notReady();
    return lessonOf(readRows(open), await this.#judged(open), scoring);
  }

  async keepLearning(fileId: string, learning: Learning | null): Promise<void> {
    await keepLesson(await this.#store(), fileId, learning);
    const open = this.#open;
    if (open?.record.id === fileId) open.record = { ...open.record, learning };
  }

  async learning(): Promise<Learning | null> {
    const open = this.#opened();
    const { learning } = await (await this.#store()).get(open.record.id);
    open.record = { ...open.record, learning };
    return learningOf(open.record);
  }

  /** Takes the place of the model that was loaded, because there is room for one. */
  compare(request: PrepareRequest, onProgress: (progress: LoadProgress) => void, fileId: string): Promise<Learning> {
    return this.#turns.take(async () => {
      const open = this.#opened();
      const { scoring, learning } = comparableOf(open, fileId);
      await this.#prepare(request, onProgress);
      const { model } = open;
      if (model === undefined) throw notReady();
      await this.#scoresOf(open, scoring);
      const known = { rows: readRows(open), scores: await this.#judged(open), scoring };
      const comparison = await this.#work.exclusively((signal) => compareLearned(learning, known, model, signal));
      const compared = { ...learning, comparison };
      await this.keepLearning(fileId, compared);
      return compared;
    });
  }

  async rules(request: RulesRequest, onProgress: (progress: RulesProgress) => void): Promise<RulesState> {
    return this.#rules.ask(this.#opened(), request, onProgress);
  }

  async stopRules(): Promise<void> {
    await Promise.resolve(this.#rules.stop());
  }

  async rulesFile(part: RulesPart): Promise<Exported> {
    return Promise.resolve(this.#rules.exportFile(this.#opened(), part));
  }

  async verify(proof: Blob, windows: number): Promise<Verified> {
    return this.#work.exclusively((signal) => verifyFile(this.#opened(), proof, windows, signal));
  }

  /** Scores until the end or {@link pause}. */
  async #scoreRest(send: (event: FileScoringEvent) => void, signal: AbortSignal): Promise<'paused' | 'done'> {
    const open = this.#opened();
    const store = await this.#store();
    const readScores = (scoring: FileScoring): Promise<FileScores> => this.#scoresOf(open, scoring);
    return scoreOpen(open, { store, readScores, isOpen: () => this.#open === open, send, signal });
  }

  async #scoresOf(open: OpenFile, scoring: FileScoring): Promise<FileScores> {
    if (open.scores !== undefined) return open.scores;
    const store = await this.#store();
    const scores = new FileScores(readRows(open), scoring);
    for (const chunk of await store.scores(open.record.id)) scores.add(chunk);
    open.scores = scores;
    return scores;
  }

  /** The scores of the open file with its corrections as they are stored. */
  async #judged(open: OpenFile): Promise<FileScores> {
    const scores = scoresIn(open);
    await this.#corrections.read(open);
    return scores;
  }

  /** Opens a record and reads its rows; a failure to read them is part of the result. */
  async #show(record: JudgedRecord, isRemembered: boolean): Promise<OpenedFile> {
    const before = this.#open?.record.id === record.id ? this.#open : undefined;
    if (before === undefined) await this.#close();
    const files = before?.files ?? (await (await this.#store()).files(record));
    const open = unreadFile({ record, files, isRemembered, model: before?.model });
    this.#open = open;
    return describeOpen(open, await readOpen(open));
  }

  /** Ends all work with the open file. */
  async #halt(): Promise<void> {
    await Promise.all([this.#work.halt(), this.#rules.halt()]);
  }

  async #close(): Promise<void> {
    await this.#halt();
    if (this.#open?.model !== undefined) disposeFileModel(this.#open.model);
    this.#open = undefined;
  }

  #opened(): OpenFile {
    if (this.#open !== undefined) return this.#open;
    throw new LabError('not-found', { message: 'No file is open.', fix: 'Choose one.' });
  }
}
