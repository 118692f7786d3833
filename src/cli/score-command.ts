/**
 * `lab score`: judges every pair of a file.
 */
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { Command } from 'commander';
import { LabError, throwIfAborted } from '../common/errors.ts';
import type { ColumnNames } from '../data/files/columns.ts';
import { Findings } from '../data/files/findings.ts';
import { type PairRow, readPairs } from '../data/files/pairs-file.ts';
import { describeRowError, isRowError, type RowError } from '../data/files/records.ts';
import { type LabModel, loadLabModel, onScale } from '../infer/lab-model.ts';
import { SCORE_WINDOW, type ScoredItem, scoreStream } from '../infer/score-pairs.ts';
import { mapLabel, reportLabels, reportRanking, type ScoredPair } from '../relevance/metrics/label-report.ts';
import { type LabelScale, scaleOfSize } from '../relevance/pair/labels.ts';
import { groupByQuery, ndcg, pairAccuracy } from '../relevance/metrics/metrics-ranking.ts';
import type { LabDocument } from '../relevance/pair/pair.ts';
import { describeMemory } from '../model/memory.ts';
import type { Precision } from '../model/stored-weights.ts';
import { interruption } from './interruption.ts';
import { readModelFiles } from './model-folder.ts';
import { type BackendName, openNodeBackend } from './node-backend.ts';
import {
  backendOption,
  EXACT_IDS,
  GENERAL_MODEL_FOLDER,
  modelOption,
  precisionOption,
  wholeNumber,
} from './options.ts';
import { forceOption } from './outputs.ts';
import { hashBytes, hashFile } from './score-journal.ts';
import { checkScoreOutput, reasonsOf, ScoreOutput } from './score-output.ts';
import { Bm25 } from '../relevance/prompt/bm25.ts';
import { withStanding } from '../relevance/prompt/standing.ts';
import {
  assertFile,
  columnOption,
  docsOption,
  gradeOption,
  noteFindings,
  readDocuments,
  SHOWN_ERRORS,
} from './pair-files.ts';
import { note, print, Progress } from './terminal.ts';

interface ScoreOptions {
  readonly model: string;
  readonly precision?: Precision;
  readonly backend: BackendName;
  readonly docs?: string;
  readonly column: ColumnNames;
  readonly grade?: string;
  readonly labels?: number;
  readonly gradeScale?: number;
  readonly limit?: number;
  readonly reason?: boolean;
  readonly out?: string;
  readonly force?: boolean;
  readonly resume?: boolean;
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** Pairs whose reasoning is generated together. */
const REASON_BATCH = 256;

export function scoreCommand(): Command {
  return new Command('score')
    .description('judge every query-document pair of a file')
    .argument('<file>', 'TSV, CSV, JSON lines or a JSON array, optionally .gz')
    .addOption(docsOption())
    .addOption(columnOption())
    .addOption(gradeOption())
    .option(
      '--labels <n>',
      'how many labels to answer with (default: as the model; "general" knows 4 and 2)',
      wholeNumber(2),
    )
    .option(
      '--grade-scale <n>',
      'how many labels the grades of the file have (default: as the answers)',
      wholeNumber(2),
    )
    .option('--limit <n>', 'stop after so many pairs', wholeNumber(1))
    .option('--reason', 'write the reasoning too (slower)')
    .option('-o, --out <file>', 'write the scores as .csv, .tsv or .jsonl')
    .addOption(forceOption())
    .option('--resume', 'go on where writing --out was interrupted')
    .option('--strict', 'stop at the first row that cannot be read')
    .option('--json', 'print the summary as one line of JSON, last')
    .addOption(modelOption(GENERAL_MODEL_FOLDER))
    .addOption(precisionOption())
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
Columns are found by their usual names (query, title, docId, brand, grade, ...). Rows that cannot be read are named on
standard error and left out. With grades in the file, the summary holds metrics.

${EXACT_IDS}

The default is the general model: it orders documents of any file by shared words and by BM25, reads no words and gives no
reasons. "--model default" is the model of the rule world, which gives reasons and knows only that world.

Examples:
  npm run lab -- score pairs.tsv --out scored.csv
  npm run lab -- score pairs.jsonl.gz --docs docs.jsonl.gz --json
  npm run lab -- score search.csv --column query=term --column title=name --reason --out scored.jsonl`,
    )
    .action(runScore);
}

/** A graded pair with the score that it is ordered by. */
interface RankedPair {
  readonly queryId: string;
  readonly docId: string;
  readonly label: number;
  readonly score: number;
}

/** The last line of `--json`; null where there is nothing to measure. */
interface Summary {
  readonly file: string;
  readonly model: string;
  readonly pairs: number;
  readonly skipped: number;
  readonly graded: number;
  readonly cut: number;
  readonly queries: number;
  readonly accuracy: number | null;
  readonly majorityAccuracy: number | null;
  readonly macroF1: number | null;
  readonly quadraticWeightedKappa: number | null;
  readonly ndcg10: number | null;
  readonly pairAccuracy: number | null;
  readonly expectedCalibrationError: number | null;
  /** Of BM25 on the same pairs, where the model is told its scores. */
  readonly bm25: { readonly ndcg10: number | null; readonly pairAccuracy: number | null } | null;
  /** Which label of the file each label of the model counts as. */
  readonly labelMapping: readonly number[];
  readonly pairsPerSec: number;
}

async function runScore(path: string, options: ScoreOptions): Promise<void> {
  await assertFile(path);
  const { out, force, resume } = options;
  if (resume === true && out === undefined) {
    throw new LabError('bad-config', { message: '--resume goes on writing a file.', fix: 'Name it with --out.' });
  }
  const rules = { inputs: [path, options.docs, options.model], force, resume };
  if (out !== undefined) await checkScoreOutput(out, rules);
  const documents = options.docs === undefined ? undefined : await readDocuments(options.docs, options.column);
  const files = await readModelFiles(options.model);
  const signal = interruption();
  const opened = await openNodeBackend(options.backend);
  const stored = loadLabModel(files, options.precision);
  const model = onScale(stored, options.labels ?? stored.scale.size);
  note(`${model.card.name} on ${opened.backend}: ${opened.device}. Memory: ${describeMemory(model.transformer)}.`);

  const scale = gradeScale(options.gradeScale, model.scale);
  const fileName = basename(path);
  const progress = new Progress(fileName);
  const errors = new RowErrors(fileName, options.strict === true);
  const identity = {
    pairs: await hashFile(path),
    docs: options.docs === undefined ? 'none' : await hashFile(options.docs),
    model: hashBytes(files.values()),
    backend: opened.backend,
    options: JSON.stringify(identityOptions(options)),
  };
  const output =
    out === undefined ? undefined : await ScoreOutput.open(out, model, { ...rules, identity, window: SCORE_WINDOW });
  const startMs = performance.now();
  const graded: ScoredPair[] = [];
  const byBm25: RankedPair[] = [];
  const queries = new Set<string>();
  let pairs = 0;
  let cut = 0;

  const findings = new Findings();
  const { column: columns, grade: grades, strict: isStrict } = options;
  const how = { fileName, columns, grades, isStrict, scale, documents, isOneOfTwo: documents !== undefined };
  const total = await countPairs(readPairs(createReadStream(path), how), options.limit);
  const read = (): AsyncGenerator<PairRow | RowError> => readPairs(createReadStream(path), { ...how, findings });
  try {
    const rows = pairsOf(read(), options.limit, errors);
    const told = model.prompt.standing ? withStandings(rows, documents) : rows;
    const scoreRows = (items: AsyncIterable<PairRow>): AsyncGenerator<ScoredItem<PairRow>> =>
      scoreStream(model, items, signal);
    for await (const batch of batchesOf(output?.scored(told, scoreRows) ?? scoreRows(told), REASON_BATCH)) {
      const isKept = pairs < (output?.keptRows ?? 0);
      const reasons = options.reason === true && !isKept ? await reasonsOf(model, batch) : undefined;
      for (const { item, score, cutFields } of batch) {
        const { queryId, document, label, standing } = item.pair;
        const docId = document.docId || document.title;
        pairs += 1;
        queries.add(queryId);
        if (cutFields.length > 0) cut += 1;
        if (label !== undefined) graded.push({ queryId, docId, label, probabilities: score.probabilities });
        if (label !== undefined && standing !== undefined) {
          byBm25.push({ queryId, docId, label, score: standing.score });
        }
      }
      await output?.write(batch, reasons);
      throwIfAborted(signal);
      progress.update(pairs, total);
    }
    if (pairs > 0) await output?.finish();
    else await output?.stop();
  } catch (error) {
    progress.end();
    await output?.stop();
    if (signal.aborted && out !== undefined) note(`Stopped; --resume goes on with ${out}.`);
    throw error;
  }
  progress.end();
  errors.summarise();
  noteFindings(fileName, findings.sentences());
  const pairsPerSec = pairs / ((performance.now() - startMs) / 1000);
  const summary = summarise(fileName, model, scale, {
    pairs,
    skipped: errors.count,
    cut,
    queries: queries.size,
    pairsPerSec,
    graded,
    byBm25,
  });
  if (options.json === true) print(JSON.stringify(summary));
  else printSummary(summary);
  if (pairs === 0) {
    throw new LabError('bad-file', {
      message: `No pair of ${fileName} could be scored.`,
      fix: 'See the rows named above.',
    });
  }
}

/** The options that decide what is written. */
function identityOptions(options: ScoreOptions): object {
  const { column, grade, labels, gradeScale, limit, reason, precision, out } = options;
  return { column, grade, labels, gradeScale, limit, reason, precision, format: out?.split('.').at(-1)?.toLowerCase() };
}

// Reading is a thousand times faster than scoring, so a first pass only to count costs little and tells the time left.
async function countPairs(rows: AsyncIterable<PairRow | RowError>, limit = Infinity): Promise<number> {
  let count = 0;
  for await (const row of rows) {
    if (!isRowError(row)) count += 1;
    if (count >= limit) break;
  }
  return count;
}

async function* pairsOf(
  rows: AsyncIterable<PairRow | RowError>,
  limit = Infinity,
  errors: RowErrors,
): AsyncGenerator<PairRow> {
  let count = 0;
  for await (const row of rows) {
    if (isRowError(row)) {
      errors.add(row);
      continue;
    }
    yield row;
    count += 1;
    if (count >= limit) return;
  }
}

/**
 * Rows with their standing among all of their query: the whole file has to be read, and held, first. How rare a word is, all
 * documents at hand say.
 */
async function* withStandings(
  rows: AsyncIterable<PairRow>,
  documents: ReadonlyMap<string, LabDocument> | undefined,
): AsyncGenerator<PairRow> {
  const read: PairRow[] = [];
  for await (const row of rows) read.push(row);
  const pairs = read.map(({ pair }) => pair);
  const standing = withStanding(pairs, new Bm25(documents?.values() ?? pairs.map(({ document }) => document)));
  for (const [i, { row, pair }] of read.entries()) yield { row, pair: standing[i] ?? pair };
}

function summarise(
  file: string,
  model: LabModel,
  scale: LabelScale,
  {
    graded,
    byBm25,
    ...counts
  }: Pick<Summary, 'pairs' | 'skipped' | 'cut' | 'queries' | 'pairsPerSec'> & {
    readonly graded: readonly ScoredPair[];
    readonly byBm25: readonly RankedPair[];
  },
): Summary {
  const mapping = model.scale.names.map((_, label) => mapLabel(label, model.scale.size, scale.size));
  const labels = graded.length === 0 ? undefined : reportLabels(graded, scale.size, mapping);
  const ranking = graded.length === 0 ? undefined : reportRanking(graded);
  return {
    file,
    model: model.card.name,
    pairs: counts.pairs,
    skipped: counts.skipped,
    graded: graded.length,
    cut: counts.cut,
    queries: counts.queries,
    accuracy: labels?.accuracy.value ?? null,
    majorityAccuracy: labels?.majorityAccuracy.value ?? null,
    macroF1: labels?.macroF1.value ?? null,
    quadraticWeightedKappa: labels?.quadraticWeightedKappa.value ?? null,
    ndcg10: ranking?.ndcg10.value ?? null,
    pairAccuracy: ranking?.pairAccuracy.value ?? null,
    expectedCalibrationError: labels?.expectedCalibrationError.value ?? null,
    bm25: bm25Of(byBm25),
    labelMapping: mapping,
    pairsPerSec: counts.pairsPerSec,
  };
}

/** How well the order by BM25 alone does. */
function bm25Of(pairs: readonly RankedPair[]): Summary['bm25'] {
  if (pairs.length === 0) return null;
  const queries = groupByQuery(pairs);
  return { ndcg10: ndcg(queries, 10).value, pairAccuracy: pairAccuracy(queries).value };
}

function printSummary(summary: Summary): void {
  const { pairs, skipped, graded, cut, queries, labelMapping } = summary;
  print(
    `${pairs.toLocaleString('en')} pairs of ${queries.toLocaleString('en')} queries scored, ${skipped} rows left out.`,
  );
  if (cut > 0) print(`${cut.toLocaleString('en')} documents were cut to fit the model.`);
  if (graded === 0) return;
  print(`Against ${graded.toLocaleString('en')} grades:`);
  const rows: [string, number | null][] = [
    ['accuracy', summary.accuracy],
    ['  always the most frequent label', summary.majorityAccuracy],
    ['macro-F1', summary.macroF1],
    ['quadratic weighted kappa', summary.quadraticWeightedKappa],
    ['NDCG@10', summary.ndcg10],
    ['pair accuracy', summary.pairAccuracy],
    ['expected calibration error', summary.expectedCalibrationError],
    ...(summary.bm25 === null
      ? []
      : ([
          ['NDCG@10 of BM25 by itself', summary.bm25.ndcg10],
          ['pair accuracy of BM25 by itself', summary.bm25.pairAccuracy],
        ] satisfies [string, number | null][])),
  ];
  for (const [name, value] of rows)
    print(`  ${name.padEnd(36)}${value === null ? 'nothing to measure' : value.toFixed(3)}`);
  if (labelMapping.some((to, from) => to !== from)) {
    print(`  Labels of the model count as: ${labelMapping.map((to, from) => `${from} -> ${to}`).join(', ')}.`);
  }
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
    if (this.#isStrict) throw new LabError('bad-file', { message: line, fix: 'Leave out --strict to skip such rows.' });
    if (this.count <= SHOWN_ERRORS) note(line);
  }

  summarise(): void {
    if (this.count > SHOWN_ERRORS) note(`${this.#file}: ${this.count - SHOWN_ERRORS} more rows could not be read.`);
  }
}

function gradeScale(size: number | undefined, own: LabelScale): LabelScale {
  return size === undefined || size === own.size ? own : scaleOfSize(size);
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
