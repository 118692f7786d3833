/**
 * The rows that `lab score` and the Files view judge: a survey of the file before a model is loaded, then its pairs one
 * by one.
 *
 * Room `runs/score/`: scoring a file of pairs, by the same code for the command line and the page. Reading files is in
 * `data/`, one pair in `infer/`.
 */
import { gradeNumber } from '../../protocol/grade-meanings.ts';
import { describeGrades, type FoundScale, foundScale, GradeReader } from '../../data/files/grades.ts';
import type { GradedRow, PairRow } from '../../data/files/pairs-file.ts';
import { isRowError, type RowError, RowProblem } from '../../data/files/records.ts';
import { LabError } from '../../common/errors.ts';
import type { LabModel, ModelVectors } from '../../infer/lab-model.ts';
import { type Judgment, type JudgesReport, reportJudges } from '../../relevance/metrics/judges.ts';
import { type LabelScale, scaleOfSize } from '../../relevance/pair/labels.ts';
import type { FileLists } from './file-lists.ts';

/** Rows as a reader yields them. */
export type ReadRows = AsyncIterable<(PairRow & GradedRow) | RowError>;

/** A grade as a file writes it. */
interface FoundGrade {
  readonly firstRow: number;
  readonly column: string;
  readonly rows: number;
}

/** The grades of a file, by their text. */
export type FileGrades = ReadonlyMap<string, FoundGrade>;

/** A summary of a file. */
export interface FileSurvey {
  readonly pairs: number;
  readonly grades: FileGrades;
  /** The grades that the file says the judge of. */
  readonly judged: readonly JudgedGrade[];
}

/** A grade as a file writes it, with its judge. */
export interface JudgedGrade {
  readonly queryId: string;
  readonly unit: string;
  readonly judge: string;
  readonly grade: string;
}

/**
 * Reads a file to its end, which is a thousand times faster than scoring it.
 *
 * @param onError - called with each row that cannot be read
 * @param lists - that the rows are added to
 * @throws {LabError} `bad-file` if the file cannot be read or has no pair
 */
export async function surveyRows(
  fileName: string,
  rows: ReadRows,
  onError: (error: RowError) => void,
  lists?: FileLists,
): Promise<FileSurvey> {
  const grades = new GradeCounts();
  const judged: JudgedGrade[] = [];
  let pairs = 0;
  for await (const item of rows) {
    if (isRowError(item)) {
      onError(item);
      continue;
    }
    pairs += 1;
    grades.add(item);
    lists?.add(item);
    judged.push(...judgedGrade(item));
  }
  if (pairs > 0) return { pairs, grades: grades.found, judged };
  throw new LabError('bad-file', {
    message: `${fileName} has no pair that can be scored.`,
    expected: 'rows with a query and a document',
    got: 'none',
    fix: 'See the rows named above.',
  });
}

/** The grade of a row with its judge; none if it lacks one of them. */
export function judgedGrade({ pair, grade, judge }: GradedRow): JudgedGrade[] {
  return grade === '' || judge === '' ? [] : [{ queryId: pair.queryId, unit: unitOf(pair), judge, grade }];
}

/** A pair for its judges, whichever rows it is in. */
export function unitOf({ queryId, document }: GradedRow['pair']): string {
  return JSON.stringify([queryId, document.docId]);
}

/** How far the judges of a file agree; null where no pair has two of them. @param meanings - of `--grade` */
export function reportFileJudges(
  judged: readonly JudgedGrade[],
  scale: LabelScale,
  meanings?: string,
): JudgesReport | null {
  const reader = new GradeReader(scale, meanings);
  const labelled = judged.flatMap(({ grade, ...rest }): Judgment[] => {
    const label = reader.read(grade);
    return label === undefined ? [] : [{ ...rest, label }];
  });
  return reportJudges(labelled, scale.size);
}

/** Counts which grades rows have. */
class GradeCounts {
  readonly #found = new Map<string, { firstRow: number; column: string; rows: number }>();

  get found(): FileGrades {
    return this.#found;
  }

  add({ grade, row, gradeColumn }: Omit<GradedRow, 'pair' | 'judge'>): void {
    if (grade === '') return;
    const known = this.#found.get(grade);
    if (known === undefined) this.#found.set(grade, { firstRow: row, column: gradeColumn, rows: 1 });
    else known.rows += 1;
  }
}

/** The grades of rows that are read already. */
export function countGrades(rows: Iterable<GradedRow>): FileGrades {
  const grades = new GradeCounts();
  for (const row of rows) grades.add(row);
  return grades.found;
}

/** The scale that the grades of a file are on; undefined where it has no grades. @param meanings - of `--grade` */
export function gradeScaleOf({ grades }: Pick<FileSurvey, 'grades'>, meanings?: string): FoundScale | undefined {
  const all = function* (): Generator<string> {
    for (const [grade, { rows }] of grades) for (let row = 0; row < rows; row++) yield grade;
  };
  return grades.size === 0 ? undefined : foundScale(all(), meanings);
}

/**
 * The scale of all grades of a file; undefined if some have no label or there are no grades. Grades declared none are
 * ignored.
 */
export function commonScaleOf(survey: Pick<FileSurvey, 'grades'>, meanings?: string): number | undefined {
  const size = gradeScaleOf(survey, meanings)?.size;
  return size !== undefined && unreadGrades(survey, scaleOfSize(size), meanings).length === 0 ? size : undefined;
}

/** The grades of a file without a label on a scale, each with its first row and its frequency. */
export function unreadGrades(
  { grades }: Pick<FileSurvey, 'grades'>,
  scale: LabelScale,
  meanings?: string,
): { readonly error: RowError; readonly rows: number }[] {
  const reader = new GradeReader(scale, meanings);
  return [...grades].flatMap(([grade, { firstRow, column, rows }]) => {
    if (reader.read(grade) !== undefined || reader.isNone(grade)) return [];
    const problem = new RowProblem(column, 'the grade has no label', reader.expected, grade);
    return [{ error: problem.at(firstRow), rows }];
  });
}

/**
 * The first pairs of a file, each with its place in its list if there are lists. They are those of the whole file,
 * because a score must not depend on `limit`.
 *
 * @param rows - of the whole file
 * @param lists - of all these rows; undefined if the model's prompts show none
 * @param vectors - of the model, for similarities of meaning
 */
export async function* rowsToScore(
  rows: ReadRows,
  lists: FileLists | undefined,
  vectors: ModelVectors | undefined,
  limit = Infinity,
): AsyncGenerator<PairRow> {
  let count = 0;
  for await (const row of lists?.placed(readable(rows), vectors) ?? readable(rows)) {
    yield row;
    count += 1;
    if (count >= limit) return;
  }
}

async function* readable(rows: ReadRows): AsyncGenerator<PairRow> {
  for await (const item of rows) if (!isRowError(item)) yield item;
}

/**
 * How many labels to ask for: as many as the grades have if the model knows that scale and all are on it, else its own.
 */
export function labelsFor(
  { scale, otherScales }: Pick<LabModel, 'scale' | 'otherScales'>,
  size: number | undefined,
): number {
  return size !== undefined && otherScales.some((other) => other.size === size) ? size : scale.size;
}

/**
 * The scale that grades are read on.
 *
 * @param asked - by the user
 * @param found - in the file
 * @param own - that of the model
 */
export function gradeScale(asked: number | undefined, found: FoundScale | undefined, own: LabelScale): LabelScale {
  const size = asked ?? found?.size;
  return size === undefined || size === own.size ? own : scaleOfSize(size);
}

/** How the grades of a file and the answers of a model go together, in a sentence. */
export function describeScales(found: FoundScale, { scale: own }: Pick<LabModel, 'scale'>, scale: LabelScale): string {
  const said = `Grades are ${describeGrades(found)}`;
  return own.size === scale.size
    ? `${said}: answers are given on ${numeral(own.size)} labels.`
    : `${said}, on a scale of ${numeral(scale.size)}: answers are given on ${numeral(own.size)} labels and mapped to it.`;
}

/** What is said of grades that are compared with nothing. */
export function describeUnknownScale(found: FoundScale, meanings = ''): string {
  const grades = describeGrades(found);
  if (meanings !== '') {
    return `--grade "${meanings}" gives no grade of the file (${grades}) a label: scores are not compared with them.`;
  }
  const [one = '', other = ''] = found.grades;
  const isNumbers = found.grades.some((grade) => gradeNumber(grade) !== undefined);
  const example = isNumbers ? '>=0.5=1,*=0' : `${one}=1,${other}=0`;
  return (
    `Grades (${grades}) are not on a scale that the lab knows: scores are not compared with them. ` +
    `Say what they mean with --grade, for example --grade "${example}".`
  );
}

function numeral(count: number): string {
  return ['no', 'one', 'two', 'three', 'four', 'five', 'six'][count] ?? String(count);
}
