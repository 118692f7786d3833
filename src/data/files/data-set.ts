/**
 * An imported data set: the content of a file of judged pairs, independent of its format. It is stored in a canonical
 * text form, so that its SHA-256 identifies it and a run can resume wherever that data set is available:
 *
 *     {"format":"afrl-lab-data","version":1,"documents":D,"pairs":P}     one line of JSON each, in UTF-8
 *     a document                                                        D lines
 *     [row, index of the document, query, query id, grade]              P lines
 *
 * A document shared by many queries is stored once. Grades are stored verbatim, because their meaning depends on the
 * scale that a run learns. Row numbers are those of the file, so that errors can give the place.
 */
import * as v from 'valibot';
import { sha256Hex } from '../../checkpoint/sha256.ts';
import { LabError } from '../../common/errors.ts';
import { PairSchema } from '../../protocol/scoring.ts';
import type { LabDocument } from '../../relevance/pair/pair.ts';
import { contentId, keptContentId } from './content-id.ts';
import { badFile } from './records.ts';

/** The prefix of generated document ids. */
const CONTENT = 'content-';
const FORMAT = 'afrl-lab-data';
const VERSION = 1;

/** The most bytes of a data set: within the limit of a browser's message, and enough for half a million pairs. */
const MAX_DATA_BYTES = 96 * 2 ** 20;
/** The most pairs, because the tokens of each are held in memory. */
export const MAX_DATA_PAIRS = 400_000;

/** A pair of a file, with its grade uninterpreted. */
export interface GradedPair {
  readonly row: number;
  readonly query: string;
  readonly queryId: string;
  readonly document: LabDocument;
  /** As written in the file. */
  readonly grade: string;
}

/** A data set in memory. */
export interface DataSet {
  /** The display name of the file. */
  readonly name: string;
  readonly sha256: string;
  /** The stored form; {@link decodeDataSet} reads it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Each document once. */
  readonly documents: readonly LabDocument[];
  readonly pairs: readonly GradedPair[];
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const HeadSchema = v.strictObject({
  format: v.literal(FORMAT),
  version: v.literal(VERSION),
  documents: v.pipe(count, v.maxValue(MAX_DATA_PAIRS)),
  pairs: v.pipe(count, v.maxValue(MAX_DATA_PAIRS)),
});
const DocumentSchema = PairSchema.entries.document;
const PairLineSchema = v.strictTuple([count, count, v.string(), v.string(), v.string()]);

/**
 * Makes a data set of pairs.
 *
 * @throws {LabError} `bad-file` if there are too many
 */
export async function makeDataSet(name: string, pairs: readonly GradedPair[]): Promise<DataSet> {
  checkPairs(name, pairs.length);
  const indexOf = new Map<string, number>();
  const documents: LabDocument[] = [];
  const shared: GradedPair[] = [];
  const lines = pairs.map(({ row, query, queryId, document, grade }) => {
    const text = JSON.stringify(plainDocument(document));
    let index = indexOf.get(text);
    if (index === undefined) {
      index = documents.push(document) - 1;
      indexOf.set(text, index);
    }
    shared.push({ row, query, queryId, document: documents[index] ?? document, grade });
    return JSON.stringify([row, index, query, queryId, grade]);
  });
  const head = { format: FORMAT, version: VERSION, documents: documents.length, pairs: pairs.length };
  const all = [JSON.stringify(head), ...indexOf.keys(), ...lines];
  checkBytes(
    name,
    all.reduce((sum, line) => sum + line.length + 1, 0),
  ); // in UTF-16 units, a lower bound on the bytes
  const bytes = new TextEncoder().encode(`${all.join('\n')}\n`);
  checkBytes(name, bytes.length);
  return { name, sha256: await sha256Hex(bytes), bytes, documents, pairs: shared };
}

/**
 * Decodes the stored form of a data set.
 *
 * @throws {LabError} `bad-checkpoint` if the bytes do not match `sha256`, or have another version
 */
export async function decodeDataSet(name: string, sha256: string, bytes: Uint8Array<ArrayBuffer>): Promise<DataSet> {
  const got = await sha256Hex(bytes);
  if (got !== sha256) throw damaged(name, `the data set ${sha256}`, got);
  const lines = new TextDecoder().decode(bytes).trimEnd().split('\n');
  const head = readLine(name, HeadSchema, lines[0], 1);
  if (lines.length !== 1 + head.documents + head.pairs) {
    throw damaged(name, `${1 + head.documents + head.pairs} lines`, String(lines.length));
  }
  const documents = lines
    .slice(1, 1 + head.documents)
    .map((line, i): LabDocument => withWholeId(readLine(name, DocumentSchema, line, i + 2)));
  const pairs = lines.slice(1 + head.documents).map((line, i): GradedPair => {
    const place = i + 2 + head.documents;
    const [row, index, query, queryId, grade] = readLine(name, PairLineSchema, line, place);
    const document = documents[index];
    if (document === undefined) throw damaged(name, `a document below ${head.documents} in line ${place}`, `${index}`);
    return { row, query, queryId, document, grade };
  });
  return { name, sha256, bytes, documents, pairs };
}

/** The document with its keys in canonical order and, if it had no id, with its stored id. */
function plainDocument(document: LabDocument): LabDocument {
  const { docId, title, brand, type, attributes, text } = document;
  const isOwn = !docId.startsWith(CONTENT) || docId !== contentId(document);
  return { docId: isOwn ? docId : keptContentId(document), title, brand, type, attributes, text };
}

/** Undoes {@link plainDocument}. */
function withWholeId(document: LabDocument): LabDocument {
  const isKept = document.docId.startsWith(CONTENT) && document.docId === keptContentId(document);
  return isKept ? { ...document, docId: contentId(document) } : document;
}

function readLine<const Schema extends v.GenericSchema>(
  name: string,
  schema: Schema,
  line: string | undefined,
  number: number,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, parseJson(line));
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw damaged(name, `line ${number} as version ${VERSION} writes it`, issue.message);
}

function parseJson(text = 'null'): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null; // the schema says what was expected
  }
}

/** @throws {LabError} `bad-file`; call it while reading a file, before memory runs out */
export function checkPairs(name: string, pairs: number): void {
  if (pairs <= MAX_DATA_PAIRS) return;
  throw badFile(name, {
    problem: 'it has too many pairs to train on here',
    expected: `at most ${MAX_DATA_PAIRS.toLocaleString('en')}`,
    got: 'more',
    fix: 'Take a sample of its queries, with all pairs of each.',
  });
}

function checkBytes(name: string, sizeBytes: number): void {
  if (sizeBytes <= MAX_DATA_BYTES) return;
  throw badFile(name, {
    problem: 'its queries and documents are too large to train on here',
    expected: `at most ${MAX_DATA_BYTES / 2 ** 20} MiB of text`,
    got: `${Math.ceil(sizeBytes / 2 ** 20)} MiB`,
    fix: 'Leave out columns that judging does not need, or take a sample of the queries.',
  });
}

function damaged(name: string, expected: string, got: string): LabError {
  return new LabError('bad-checkpoint', {
    message: `The stored data set "${name}" is damaged.`,
    expected,
    got,
    fix: 'Choose the file again.',
  });
}
