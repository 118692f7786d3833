/**
 * The action of `lab score`.
 */
import { stat } from 'node:fs/promises';
import { largest } from '../../common/largest.ts';
import { LabError, throwIfAborted } from '../../common/errors.ts';
import type { ColumnNames } from '../../data/files/columns.ts';
import { TwoFiles } from '../../data/files/fields.ts';
import { Findings } from '../../data/files/findings.ts';
import { OwnColumns } from '../../data/files/own-columns.ts';
import { previewFile } from '../../data/files/preview.ts';
import { type PairRow, readPairs } from '../../data/files/pairs-file.ts';
import { describeRowError, type RowError } from '../../data/files/records.ts';
import type { LabModel, ModelFileName } from '../../infer/lab-model.ts';
import type { OpenedData } from '../../data/layouts/open-data.ts';
import { isRules } from '../../infer/rules-model.ts';
import { SCORE_WINDOW, type ScoredItem, scoreStream } from '../../infer/score-pairs.ts';
import { labelMapping, onGoldScale } from '../../relevance/metrics/label-report.ts';
import { DEFAULT_SCALE, type LabelScale } from '../../relevance/pair/labels.ts';
import {
  describeScales,
  describeUnknownScale,
  gradeScale,
  gradeScaleOf,
  type ReadRows,
  reportFileJudges,
  rowsToScore,
  surveyRows,
  unreadGrades,
} from '../../runs/score/score-rows.ts';
import { FileLists } from '../../runs/score/file-lists.ts';
import { ScoreTally } from '../../runs/score/score-tally.ts';
import type { ProofFacts } from '../../runs/score/score-proof.ts';
import { ScoreExports } from './score-exports.ts';
import { modelHash } from './verify-action.ts';
import { nameOfPath } from '../given-paths.ts';
import { interruption } from '../interruption.ts';
import { hashFile } from '../content-hashes.ts';
import { findScorer, type ScorerOptions } from './scorer.ts';
import { checkScoreOutput, SCORED_ROLES, scoredNames, ScoreOutput } from './score-output.ts';
import { printSummary } from './score-summary.ts';
import { type FilesOptions, noteFindings, openFiles, readDocuments, SHOWN_ERRORS } from '../pair-files.ts';
import { note, print, Progress } from '../terminal.ts';

interface ScoreOptions extends FilesOptions, ScorerOptions {
  readonly column: ColumnNames;
  readonly grade?: string;
  readonly gradeScale?: number;
  readonly limit?: number;
  readonly abstainBelow?: number;
  readonly reason?: boolean;
  readonly out?: string;
  readonly bom?: boolean;
  readonly export?: readonly string[];
  readonly force?: boolean;
  readonly resume?: boolean;
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** Pairs whose reasoning is generated together. */
const REASON_BATCH = 256;

export async function runScore(paths: readonly string[], options: ScoreOptions): Promise<void> {
  const { out, force, resume } = options;
  if (resume === true && out === undefined) {
    throw new LabError('bad-config', { message: '--resume continues an output file.', fix: 'Name it with --out.' });
  }
  const rules = { inputs: [...paths, options.docs, options.queries, options.model, options.encoder], force, resume };
  if (options.bom === true && out?.toLowerCase().endsWith('.csv') !== true) {
    throw new LabError('bad-config', { message: '--bom is for a .csv file.', fix: 'Name one with --out.' });
  }
  if (out !== undefined) await checkScoreOutput(out, rules);
  const exports = await ScoreExports.open(options.export ?? [], options.proof, { ...rules, resume: false });
  const { data, places } = await openFiles(paths, options);
  const { name: fileName } = data.pairs;
  const twoFiles = data.documents === undefined ? undefined : new TwoFiles();
  const documents =
    data.documents === undefined ? undefined : await readDocuments(data.documents, options.column, twoFiles);
  const errors = new RowErrors(fileName, options.strict === true);
  const { column: columns } = options;
  const grades = options.grade ?? (data.grades === '' ? undefined : data.grades);
  const how = { fileName, columns, grades, documents, twoFiles };
  const read = (scale: LabelScale | null, findings?: Findings): ReadRows =>
    readPairs(data.pairs.open(), { ...how, scale, findings });
  const { prompt, open } = await findScorer(options);
  const lists = prompt.standing ? new FileLists(prompt, documents) : undefined;
  const survey = await surveyRows(fileName, read(DEFAULT_SCALE), (error) => errors.add(error), lists);
  const found = gradeScaleOf(survey, grades);

  const signal = interruption();
  const scorer = await open(survey, grades, signal);
  const { model, silence, proven } = scorer;
  const scale = gradeScale(options.gradeScale, found, model.scale);
  const isCompared = found?.size !== undefined || options.gradeScale !== undefined;
  if (found !== undefined) note(isCompared ? describeScales(found, model, scale) : describeUnknownScale(found, grades));
  if (options.strict === true)
    for (const { error, rows } of unreadGrades(survey, scale, grades)) errors.refuseGrade(error, rows);
  const isReasoned = options.reason === true && silence === undefined;
  if (options.reason === true && silence !== undefined) note(silence);

  const { decoding, ...scoredBy } = scorer.identity;
  const tally = new ScoreTally(model);
  const identity = {
    pairs: await hashFiles(places.pairs),
    docs: places.docs === undefined ? 'none' : await hashFile(places.docs),
    ...(places.queries === undefined ? {} : { queries: await hashFile(places.queries) }),
    ...scoredBy,
    options: JSON.stringify({ ...identityOptions(options), ...(isReasoned ? { decoding } : {}) }),
  };
  const trainedOn = (query: string): boolean | null | undefined => tally.trainedOn(query);
  const ownColumns = async (): Promise<OwnColumns> => {
    const preview = await previewFile(data.pairs, columns);
    return OwnColumns.open(data.pairs, preview.columns, { names: scoredNames(model), roles: SCORED_ROLES });
  };
  const mapping = labelMapping(model.scale, scale);
  const { abstainBelow } = options;
  const abstains =
    abstainBelow === undefined
      ? undefined
      : (probabilities: readonly number[]): boolean =>
          largest(onGoldScale(probabilities, scale.size, mapping)) < abstainBelow;
  const writing = { ...rules, identity, window: SCORE_WINDOW, trainedOn, abstains, bom: options.bom };
  const output =
    out === undefined ? undefined : await ScoreOutput.open(out, model, { ...writing, own: await ownColumns() });
  const progress = new Progress(fileName);
  const startMs = performance.now();
  const total = Math.min(survey.pairs, options.limit ?? Infinity);
  const scoreRows = (items: AsyncIterable<PairRow>): AsyncGenerator<ScoredItem<PairRow>> =>
    scoreStream(model, items, signal, {
      nameOf: ({ row }) => `row ${row} of ${fileName}`,
      onUnfit: ({ row }, error) => errors.addUnfit(row, error),
    });
  const findings = new Findings();
  try {
    const rows = rowsToScore(
      read(isCompared ? scale : null, findings),
      lists,
      isRules(model) ? undefined : model.vectors,
      options.limit,
    );
    for await (const batch of batchesOf(output?.scored(rows, scoreRows) ?? scoreRows(rows), REASON_BATCH)) {
      const isKept = tally.pairs < (output?.keptRows ?? 0);
      const reasons = isReasoned && !isKept ? await scorer.reasonsOf(batch) : undefined;
      for (const scored of batch) {
        tally.add(scored.item, scored.score, scored.cutFields.length > 0);
        exports.add(scored);
      }
      await output?.write(batch, reasons);
      throwIfAborted(signal);
      progress.update(tally.pairs, total);
    }
    if (tally.pairs > 0) await output?.finish();
    else await output?.stop();
  } catch (error) {
    progress.end();
    await output?.stop();
    if (signal.aborted && out !== undefined) note(`Stopped; continue ${out} with --resume.`);
    throw error;
  }
  progress.end();
  errors.summarise();
  noteFindings(fileName, findings.sentences());
  const pairsPerSec = tally.pairs / ((performance.now() - startMs) / 1000);
  const judges = isCompared ? reportFileJudges(survey.judged, scale, grades) : null;
  const counts = { file: fileName, skipped: errors.count, pairsPerSec, judges };
  const summary = tally.summary(scale, counts, options.abstainBelow);
  if (options.json === true) print(JSON.stringify(summary));
  else printSummary(summary);
  if (tally.pairs > 0) {
    const facts =
      proven === undefined
        ? undefined
        : (): Promise<ProofFacts> => proofFacts({ paths, options, data, places, ...proven });
    await exports.write({ fileName, model, scale, tally, ownColumns }, facts);
  }
  if (tally.pairs === 0) {
    throw new LabError('bad-file', {
      message: `No pair of ${fileName} could be scored.`,
      fix: 'See the rows named above.',
    });
  }
}

/** The SHA-256 of the files, in their order. */
async function hashFiles(paths: readonly string[]): Promise<string> {
  const hashes = await Promise.all(paths.map((path) => hashFile(path)));
  return hashes.join(' ');
}

/** The options that decide what is written. */
function identityOptions(options: ScoreOptions): object {
  const { column, grade, labels, gradeScale, limit, abstainBelow, reason, precision, format, sheet, out } = options;
  const ending = out?.split('.').at(-1)?.toLowerCase();
  const marked = options.bom === true ? { bom: true } : {};
  const reading = { ...(format === undefined ? {} : { layout: format }), ...(sheet === undefined ? {} : { sheet }) };
  return {
    column,
    grade,
    labels,
    gradeScale,
    limit,
    abstainBelow,
    reason,
    precision,
    format: ending,
    ...reading,
    ...marked,
  };
}

/** What a proof says beside the scores. */
async function proofFacts({
  paths,
  options,
  data,
  places,
  files,
  model,
  backend,
  adapter,
}: {
  readonly paths: readonly string[];
  readonly options: ScoreOptions;
  readonly data: OpenedData;
  readonly places: {
    readonly pairs: readonly string[];
    readonly docs?: string | undefined;
    readonly queries?: string | undefined;
  };
  readonly files: ReadonlyMap<ModelFileName, Uint8Array>;
  readonly model: LabModel;
  readonly backend: ProofFacts['backend'];
  readonly adapter: string;
}): Promise<ProofFacts> {
  const fact = async (
    part: 'pairs' | 'docs' | 'queries',
    path: string,
    place: string,
  ): Promise<ProofFacts['data'][number]> => {
    return { part, name: nameOfPath(path), sha256: await hashFile(place), sizeBytes: (await stat(place)).size };
  };
  const { docs, queries, sheet, column, precision } = options;
  return {
    model: { name: model.card.name, sha256: modelHash(files), labels: model.scale.size },
    backend,
    adapter,
    precision: precision ?? 'stored',
    data: [
      ...(await Promise.all(paths.map((path, i) => fact('pairs', path, places.pairs[i] ?? path)))),
      ...(docs === undefined ? [] : [await fact('docs', docs, places.docs ?? docs)]),
      ...(queries === undefined ? [] : [await fact('queries', queries, places.queries ?? queries)]),
    ],
    reading: { layout: data.layout, sheet: sheet ?? null, columns: { ...column } },
  };
}

/** One line per row error, up to a limit; stops the run if asked to. */
class RowErrors {
  count = 0;
  readonly #file: string;
  readonly #isStrict: boolean;

  constructor(file: string, isStrict: boolean) {
    this.#file = file;
    this.#isStrict = isStrict;
  }

  add(error: RowError): void {
    this.count += 1;
    const line = `${this.#file}: ${describeRowError(error)}`;
    if (this.#isStrict) throw strictError(line);
    if (this.count <= SHOWN_ERRORS) note(line);
  }

  /** Stops at a grade that has no label; without --strict its pairs are scored and not compared. */
  refuseGrade(error: RowError, rows: number): never {
    const more = rows === 1 ? '' : ` (${rows.toLocaleString('en')} rows have it)`;
    throw strictError(`${this.#file}: ${describeRowError(error)}${more}`);
  }

  /** A row that the model cannot score. */
  addUnfit(row: number, { message }: LabError): void {
    this.count += 1;
    const line = `${this.#file}: Row ${row} cannot be scored. ${message}`;
    if (this.#isStrict) throw strictError(line);
    if (this.count <= SHOWN_ERRORS) note(line);
  }

  summarise(): void {
    if (this.count > SHOWN_ERRORS) note(`${this.#file}: ${this.count - SHOWN_ERRORS} more rows could not be read.`);
  }
}

function strictError(line: string): LabError {
  return new LabError('bad-file', { message: line, fix: 'Without --strict such rows are left out.' });
}

async function* batchesOf<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
