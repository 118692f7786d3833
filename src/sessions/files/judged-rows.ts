/**
 * A file of pairs in memory, read once with its columns: its survey, its pairs by place, and their BM25 standing.
 */
import type { LabError } from '../../common/errors.ts';
import type { ColumnNames } from '../../data/files/columns.ts';
import type { DataFile } from '../../data/files/data-set-reader.ts';
import { TwoFiles } from '../../data/files/fields.ts';
import { Findings } from '../../data/files/findings.ts';
import { GradeReader } from '../../data/files/grades.ts';
import { type GradedRow, loadDocuments, type PairRow, readGradedPairs } from '../../data/files/pairs-file.ts';
import { badFile, describeRowError, isRowError, type RowError } from '../../data/files/records.ts';
import type { OpenedData } from '../../data/layouts/open-data.ts';
import type { LabModel } from '../../infer/lab-model.ts';
import type { FileSurvey, FileTable } from '../../protocol/files.ts';
import { DEFAULT_SCALE, type LabelScale, scaleOfSize } from '../../relevance/pair/labels.ts';
import type { LabDocument, Pair, Standing } from '../../relevance/pair/pair.ts';
import { Bm25 } from '../../relevance/prompt/bm25.ts';
import { type VectorSource, withMeaning } from '../../relevance/prompt/meaning.ts';
import { listed } from '../../relevance/prompt/listed.ts';
import type { PromptConfig } from '../../relevance/prompt/prompt.ts';
import { textFolding } from '../../relevance/pair/text-folding.ts';
import { countGrades, type FileGrades, gradeScaleOf } from '../../runs/score/score-rows.ts';

/** More pairs do not fit into the memory of a tab. */
const MAX_PAIRS = 1_000_000;
/** The numbers of refused rows and of different grades that are listed. */
const SHOWN_REFUSALS = 20;
const SHOWN_GRADES = 12;
/** Ways to write one grade that are shown, and their length. */
const SHOWN_TEXTS = 3;
const TEXT_LENGTH = 40;

/** A row with its standing. */
type PlacedRow = PairRow & { readonly pair: { readonly standing: Standing } };

/** What decides how pairs are shown to a model, or to rules, which read no vectors. */
interface RowsReader {
  readonly prompt: Pick<PromptConfig, 'standing' | 'folding'>;
  readonly vectors?: LabModel['vectors'];
}

/** How the rows of a file are understood. */
export interface RowsOptions {
  readonly columns: ColumnNames;
  /** What grades mean, as protocol/grade-meanings.ts reads it. */
  readonly grades: string;
}

export class JudgedRows {
  /** The file of the pairs. */
  readonly pairsFile: DataFile;
  readonly rows: readonly GradedRow[];
  /** Rows by the text of their grade. */
  readonly gradeCounts: FileGrades;
  readonly documents: ReadonlyMap<string, LabDocument> | undefined;
  readonly #grades: string;
  readonly #errors: readonly RowError[];
  readonly #errorCount: number;
  readonly #findings: Findings;
  #seen: { readonly source: VectorSource; readonly rows: readonly PairRow[] } | undefined;
  /** Made when it is first needed, which is not for every file. */
  #index: { readonly folding: PromptConfig['folding']; readonly bm25: Bm25 } | undefined;
  #placed: { readonly folding: PromptConfig['folding']; readonly rows: readonly PlacedRow[] } | undefined;

  private constructor(
    pairsFile: DataFile,
    rows: readonly GradedRow[],
    documents: ReadonlyMap<string, LabDocument> | undefined,
    grades: string,
    { errors, errorCount, findings }: { errors: RowError[]; errorCount: number; findings: Findings },
  ) {
    this.pairsFile = pairsFile;
    this.rows = rows;
    this.gradeCounts = countGrades(rows);
    this.documents = documents;
    this.#grades = grades;
    this.#errors = errors;
    this.#errorCount = errorCount;
    this.#findings = findings;
  }

  /** @throws {LabError} `bad-file` if there is no pair that can be read */
  static async read(
    { pairs: pairsFile, documents: documentsFile }: Pick<OpenedData, 'pairs' | 'documents'>,
    { columns, grades }: RowsOptions,
  ): Promise<JudgedRows> {
    const findings = new Findings();
    const errors: RowError[] = [];
    let errorCount = 0;
    let documents: ReadonlyMap<string, LabDocument> | undefined;
    const twoFiles = documentsFile === undefined ? undefined : new TwoFiles();
    if (documentsFile !== undefined) {
      const how = { fileName: documentsFile.name, columns, twoFiles };
      const loaded = await loadDocuments(documentsFile.open(), how);
      errors.push(...loaded.errors.slice(0, SHOWN_REFUSALS));
      errorCount += loaded.errorCount;
      documents = loaded.items;
    }
    const rows: GradedRow[] = [];
    const { name: fileName } = pairsFile;
    const how = { fileName, columns, documents, twoFiles, findings };
    for await (const item of readGradedPairs(pairsFile.open(), how, { needsGrade: false })) {
      if (!isRowError(item)) {
        rows.push(item);
        if (rows.length > MAX_PAIRS) throw tooMany(fileName);
        continue;
      }
      errorCount += 1;
      if (errors.length < SHOWN_REFUSALS) errors.push(item);
    }
    if (rows.length === 0) throw noPair(fileName, errors[0]);
    return new JudgedRows(pairsFile, rows, documents, grades, { errors, errorCount, findings });
  }

  get name(): string {
    return this.pairsFile.name;
  }

  survey(): FileSurvey {
    const counts = this.gradeCounts;
    const likely = gradeScaleOf({ grades: counts }, this.#grades)?.size ?? DEFAULT_SCALE.size;
    // The chooser shows the default meaning of each grade beside the chosen one.
    const reader = new GradeReader(scaleOfSize(likely));
    const grades = [...counts]
      .map(([grade, { rows }]) => ({ grade, pairs: rows, label: reader.read(grade) ?? null }))
      .toSorted((a, b) => b.pairs - a.pairs);
    return {
      pairs: this.rows.length,
      queries: new Set(this.rows.map(({ pair }) => pair.queryId)).size,
      documents: new Set(this.rows.map(({ pair }) => pair.document.docId)).size,
      grades: grades.slice(0, SHOWN_GRADES),
      gradeCount: grades.length,
      refused: this.#errorCount,
      refusals: this.#errors.map(describeRowError),
      findings: this.#findings.sentences(),
    };
  }

  /** [N] the labels of the grades on a scale, -1 for none; grades on an unknown scale have none. */
  golds(scale: LabelScale): Int8Array<ArrayBuffer> {
    if (gradeScaleOf({ grades: this.gradeCounts }, this.#grades)?.size === undefined) {
      return new Int8Array(this.rows.length).fill(-1);
    }
    const reader = new GradeReader(scale, this.#grades);
    return Int8Array.from(this.rows, ({ grade }) => (grade === '' ? -1 : (reader.read(grade) ?? -1)));
  }

  /** [grades] how the file writes each grade of a scale, the most frequent ways. */
  gradeTexts(scale: LabelScale): string[][] {
    const reader = new GradeReader(scale, this.#grades);
    const texts = scale.names.map((): string[] => []);
    const byRows = [...this.gradeCounts].toSorted(([, a], [, b]) => b.rows - a.rows);
    for (const [text] of byRows) {
      const found = texts[reader.read(text) ?? -1];
      if (found !== undefined && found.length < SHOWN_TEXTS) found.push(text.slice(0, TEXT_LENGTH));
    }
    return texts;
  }

  /** All pairs with their standing under a text folding. */
  placed(folding: PromptConfig['folding']): readonly PlacedRow[] {
    if (this.#placed !== undefined && this.#placed.folding === folding) return this.#placed.rows;
    const pairs = listed(this.rows.map(({ pair }) => pair), this.#indexOf(folding), undefined); // prettier-ignore
    const rows = pairs.map((pair, i) => ({ row: i + 1, ...this.rows[i], pair }));
    this.#placed = { folding, rows };
    return rows;
  }

  /** All pairs as a model sees them: in lists if its prompts show standings, with similarities if it has vectors. */
  seenBy({ prompt, vectors }: RowsReader): readonly PairRow[] {
    if (!prompt.standing) return this.rows;
    const placed = this.placed(prompt.folding ?? 1);
    if (vectors === undefined) return placed;
    if (this.#seen?.source !== vectors.source) {
      const pairs = withMeaning(placed.map(({ pair }) => pair), vectors.source); // prettier-ignore
      this.#seen = { source: vectors.source, rows: pairs.map((pair, i) => ({ row: i + 1, ...placed[i], pair })) };
    }
    return this.#seen.rows;
  }

  /**
   * What a pair at a place would have of its list if it were another: its standing, and with vectors its similarities.
   */
  standingOf(
    place: number,
    pair: GradedRow['pair'],
    folding: PromptConfig['folding'],
    vectors?: LabModel['vectors'],
  ): Pick<Pair, 'standing' | 'meaning'> {
    const others = this.rows.filter(({ pair: { queryId } }, i) => i !== place && queryId === pair.queryId);
    const found = [pair, ...others.map((row) => row.pair)];
    const [placed] = listed([pair], this.#indexOf(folding), vectors, found);
    if (placed === undefined) throw new RangeError('standingOf: no standing for one pair');
    const { standing, meaning } = placed;
    return { standing, ...(meaning && { meaning }) };
  }

  /** BM25 over all documents at hand. */
  #indexOf(folding: PromptConfig['folding']): Bm25 {
    if (this.#index === undefined || this.#index.folding !== folding) {
      const documents = this.documents?.values() ?? this.rows.map(({ pair }) => pair.document);
      this.#index = { folding, bm25: Bm25.of(documents, textFolding(folding)) };
    }
    return this.#index.bm25;
  }

  /** What the page shows of each pair without its score. */
  table(): Pick<FileTable, 'rows' | 'queryOf' | 'queries' | 'titles' | 'docIds'> {
    return {
      ...this.queries(),
      rows: Int32Array.from(this.rows, ({ row }) => row),
      titles: this.rows.map(({ pair }) => pair.document.title),
      docIds: this.rows.map(({ pair }) => pair.document.docId),
    };
  }

  /** The different queries with the first text of each, and for each pair the index of its query. */
  queries(): { readonly queries: { id: string; text: string }[]; readonly queryOf: Int32Array<ArrayBuffer> } {
    const numbers = new Map<string, number>();
    const queries: { id: string; text: string }[] = [];
    const queryOf = Int32Array.from(this.rows, ({ pair: { queryId, query } }) => {
      const known = numbers.get(queryId);
      if (known !== undefined) return known;
      numbers.set(queryId, queries.length);
      return queries.push({ id: queryId, text: query }) - 1;
    });
    return { queries, queryOf };
  }
}

function tooMany(fileName: string): LabError {
  return badFile(fileName, {
    problem: 'it has too many pairs for a page',
    expected: `at most ${MAX_PAIRS.toLocaleString('en')}`,
    got: 'more',
    fix: 'Score it with "lab score", or choose some of its queries and keep all pairs of each.',
  });
}

function noPair(fileName: string, first: RowError | undefined): LabError {
  return badFile(fileName, {
    problem: 'it has no pair that can be scored',
    expected: 'rows with a query and a document',
    got: first === undefined ? 'no rows' : describeRowError(first),
    fix: 'Choose what each column is. If the documents are in a second file, choose both files together.',
  });
}
