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
import type { Bm25 } from '../../relevance/prompt/bm25.ts';
import { Similarities, type VectorSource, withMeaning } from '../../relevance/prompt/meaning.ts';
import { listed } from '../../relevance/prompt/listed.ts';
import type { PromptConfig } from '../../relevance/prompt/prompt.ts';
import { countGrades, type FileGrades, gradeScaleOf } from '../../runs/score/score-rows.ts';
import { ListedRows, type Lists, listsOf } from './listed-rows.ts';
import { WordIndex } from './word-index.ts';

/** More pairs do not fit into the memory of a tab. */
const MAX_PAIRS = 1_000_000;
/** The numbers of refused rows and of different grades that are listed. */
const SHOWN_REFUSALS = 20;
const SHOWN_GRADES = 12;
/** Ways to write one grade that are shown, and their length. */
const SHOWN_TEXTS = 3;
const TEXT_LENGTH = 40;
/** Documents whose vectors are held while lists are read one by one: about 20 MB. */
const HELD_DOCUMENTS = 20_000;

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
  /** These are made when they are first needed, which is not for every file. */
  #lists: Lists | undefined;
  #index: WordIndex | undefined;
  #placed: { readonly folding: PromptConfig['folding']; readonly rows: ListedRows<PlacedRow> } | undefined;
  #seen: { readonly source: VectorSource; readonly rows: ListedRows<PairRow> } | undefined;

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
    return this.#placedIn(folding).all();
  }

  /** One of these; undefined beyond the last pair. */
  placedAt(place: number, folding: PromptConfig['folding']): PlacedRow | undefined {
    return this.#placedIn(folding).at(place);
  }

  /** All pairs as a model sees them: in lists if its prompts show standings, with similarities if it has vectors. */
  seenBy(reader: RowsReader): readonly PairRow[] {
    return this.#seenIn(reader)?.all() ?? this.rows;
  }

  /** One of these; undefined beyond the last pair. */
  seenAt(place: number, reader: RowsReader): PairRow | undefined {
    return this.#seenIn(reader)?.at(place) ?? this.rows[place];
  }

  #placedIn(folding: PromptConfig['folding']): ListedRows<PlacedRow> {
    if (this.#placed === undefined || this.#placed.folding !== folding) {
      const index = this.#indexOf(folding);
      const rows = this.#listed((places) => listed(places.flatMap((place) => this.rows[place]?.pair ?? []), index, undefined)); // prettier-ignore
      this.#placed = { folding, rows };
    }
    return this.#placed.rows;
  }

  /** Undefined where a pair shows nothing of its list. */
  #seenIn({ prompt, vectors }: RowsReader): ListedRows<PairRow> | undefined {
    if (!prompt.standing) return undefined;
    const placed = this.#placedIn(prompt.folding ?? 1);
    if (vectors === undefined) return placed;
    if (this.#seen?.source !== vectors.source) {
      const similarities = new Similarities(vectors.source, HELD_DOCUMENTS);
      const rows = this.#listed((places) => withMeaning(places.flatMap((place) => placed.at(place)?.pair ?? []), similarities)); // prettier-ignore
      this.#seen = { source: vectors.source, rows };
    }
    return this.#seen.rows;
  }

  /** Rows with other pairs. @param read - the pairs at the places of one list */
  #listed<P extends GradedRow['pair']>(
    read: (places: readonly number[]) => readonly P[],
  ): ListedRows<GradedRow & { readonly pair: P }> {
    this.#lists ??= listsOf(this.rows);
    return new ListedRows(this.#lists, (places) => {
      const pairs = read(places);
      return places.flatMap((place, i) => {
        const [row, pair] = [this.rows[place], pairs[i]];
        return row === undefined || pair === undefined ? [] : [{ ...row, pair }];
      });
    });
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

  /** Counts the words of all documents while a person looks at something else; what needs them first does the rest. */
  async countWords(folding: PromptConfig['folding']): Promise<void> {
    const index = this.#indexFor(folding);
    await index.countInParts(() => this.#index === index);
  }

  /** BM25 over all documents at hand. */
  #indexOf(folding: PromptConfig['folding']): Bm25 {
    const index = this.#indexFor(folding);
    index.count();
    return index.bm25;
  }

  #indexFor(folding: PromptConfig['folding']): WordIndex {
    if (this.#index === undefined || this.#index.folding !== folding) {
      const documents = this.documents?.values() ?? this.rows.map(({ pair }) => pair.document).values();
      this.#index = new WordIndex(folding, documents);
    }
    return this.#index;
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
