/** What annotation tools export: Label Studio and Argilla. Each judgment of a person is a row. */
import type { FileRecord } from '../files/records.ts';
import { isObject, type JsonObject, objectsIn } from './json-values.ts';
import { type Arranged, type ArrangeOptions, lacking, type Layout } from './layout.ts';
import { hasColumns, type LookedAt } from './look.ts';
import { changedFile, concatenated, idOf, multipliedFile } from './record-sources.ts';

const LABEL_STUDIO = 'Label Studio: tasks with annotations';
const ARGILLA = 'Argilla: records with fields and responses';
/** Names of questions that ask for relevance. */
const RELEVANCE = /relev|grade|label|rating|judg|match|score/iu;

/** What one person answered. */
interface Answer {
  readonly question: string;
  readonly value: string;
  readonly author: string;
}

/** A task or record without its answers, and these. */
interface Task {
  readonly fields: readonly (readonly [string, unknown])[];
  readonly answers: readonly Answer[];
}

const isLabelStudio = (look: LookedAt): boolean =>
  look.given === undefined &&
  hasColumns(look, ['data']) &&
  (hasColumns(look, ['annotations']) || hasColumns(look, ['completions']));
const isArgilla = (look: LookedAt): boolean => look.given === undefined && hasColumns(look, ['fields', 'responses']);

export const ANNOTATIONS: readonly Layout[] = [
  {
    name: 'label-studio',
    title: LABEL_STUDIO,
    recognises: (files) => files.some(isLabelStudio),
    arrange: (files, options) =>
      arrange(files, options, { isOf: isLabelStudio, title: LABEL_STUDIO, read: labelStudioTask }),
  },
  {
    name: 'argilla',
    title: ARGILLA,
    recognises: (files) => files.some(isArgilla),
    arrange: (files, options) => arrange(files, options, { isOf: isArgilla, title: ARGILLA, read: argillaRecord }),
  },
];

/** The most judgments of a task. */
const MAX_ANSWERS = 1000;

async function arrange(
  files: readonly LookedAt[],
  { columns }: ArrangeOptions,
  { isOf, title, read }: { isOf: (look: LookedAt) => boolean; title: string; read: (record: FileRecord) => Task },
): Promise<Arranged> {
  await Promise.resolve();
  const tasks = files.filter(isOf);
  const [documents, ...more] = files.filter((look) => !isOf(look));
  if (tasks.length === 0 || more.length > 0) {
    throw lacking(files, { problem: 'these files do not belong together', expected: title, fix: 'Leave others out.' });
  }
  const question = questionOf(tasks, columns.grade, read);
  const pairs = tasks.map(({ file }) =>
    multipliedFile(file, MAX_ANSWERS, (record) => {
      const { fields, answers } = read(record);
      const own = answers.filter((answer) => answer.question === question);
      const rows: readonly (Answer | undefined)[] = own.length === 0 ? [undefined] : own;
      return rows.map(
        (answer) =>
          new Map<string, unknown>([
            ...fields,
            [question === '' ? 'grade' : question, answer?.value ?? ''],
            ['annotator', answer?.author ?? ''],
            ['task', record.row],
          ]),
      );
    }),
  );
  const name = tasks.map(({ file }) => file.name).join(', ');
  return {
    pairs: withGrade(concatenated(pairs, name, MAX_ANSWERS), question, columns.grade),
    documents: documents?.file,
    notes: [
      ...(question === '' ? [] : [`The grades are the answers to "${question}", a row for each person's.`]),
      'A row is numbered by its task in thousands, and by the answer to it.',
    ],
  };
}

/** Answers are found as grades whatever their question is called. */
function withGrade(file: ReturnType<typeof concatenated>, question: string, asked: string | undefined): typeof file {
  if (question === '' || question === asked) return file;
  return changedFile(file, ({ row, fields }) => [
    { row, fields: new Map([...fields].map(([name, value]) => [name === question ? 'grade' : name, value])) },
  ]);
}

/**
 * The question that asks for relevance: the one that is named, the only one, or the only one that is called so.
 *
 * @throws {LabError} `bad-file` if it is ambiguous
 */
function questionOf(tasks: readonly LookedAt[], asked: string | undefined, read: (record: FileRecord) => Task): string {
  const questions = new Set(
    tasks.flatMap(({ records }) => records.flatMap((record) => read(record).answers.map(({ question }) => question))),
  );
  if (asked !== undefined && questions.has(asked)) return asked;
  const likely = [...questions].filter((question) => RELEVANCE.test(question));
  const [only, second] = questions.size === 1 ? questions : likely;
  if (only !== undefined && second === undefined) return only;
  if (questions.size === 0) return '';
  throw lacking(tasks, {
    problem: `it asks several questions: ${[...questions].join(', ')}`,
    expected: 'one that asks for relevance',
    fix: 'Name it with --column grade=NAME.',
  });
}

function labelStudioTask({ fields }: FileRecord): Task {
  const { data, annotations, completions, ...rest } = Object.fromEntries(fields);
  const given = objectsIn(annotations ?? completions).filter((one) => one['was_cancelled'] !== true);
  const answers = given.flatMap(({ result, completed_by: author }) =>
    objectsIn(result).flatMap(({ from_name: question, value }): Answer[] => {
      const answer = labelStudioValue(value);
      return answer === undefined ? [] : [{ question: idOf(question), value: answer, author: authorOf(author) }];
    }),
  );
  return { fields: [...ownFields(data), ['task_id', idOf(rest['id'])]], answers };
}

/** The value of a single choice, rating or number. Several choices at once are no grade. */
function labelStudioValue(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  const { choices, rating, number } = value;
  if (Array.isArray(choices)) return choices.length === 1 ? idOf(choices[0]) : JSON.stringify(choices);
  return rating === undefined && number === undefined ? undefined : idOf(rating ?? number);
}

/** Responses are `[{values: {question: {value}}, status}]`, or `{question: [{value, status}]}` since version 2. */
function argillaRecord({ fields }: FileRecord): Task {
  const { fields: own, responses, metadata, id, external_id } = Object.fromEntries(fields);
  const isKept = ({ status }: JsonObject): boolean => status === undefined || status === 'submitted';
  const before = objectsIn(responses)
    .filter(isKept)
    .flatMap(({ values, user_id: author }) =>
      Object.entries(isObject(values) ? values : {}).map(([question, answer]): Answer => {
        return { question, value: answerText(isObject(answer) ? answer['value'] : answer), author: authorOf(author) };
      }),
    );
  const since = Object.entries(isObject(responses) ? responses : {}).flatMap(([question, given]) =>
    objectsIn(given)
      .filter(isKept)
      .map((answer): Answer => {
        return { question, value: answerText(answer['value']), author: authorOf(answer['user_id']) };
      }),
  );
  const recordId = idOf(external_id) || idOf(id);
  return {
    fields: [...ownFields(metadata), ...ownFields(own), ['record_id', recordId]],
    answers: [...before, ...since],
  };
}

function answerText(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : idOf(value);
}

function authorOf(author: unknown): string {
  if (!isObject(author)) return idOf(author);
  return idOf(author['email']) || idOf(author['username']) || idOf(author['id']);
}

function ownFields(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}
