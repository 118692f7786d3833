/** Texts of queries and of documents by their ids, in the files of public collections. */
import type { DataFile } from '../files/data-set-reader.ts';
import { readRecords } from '../files/record-reader.ts';
import { isRowError, RowProblem } from '../files/records.ts';
import { type LineFields, lineRecords, taggedRecords } from './lines.ts';
import { columnOf, type LookedAt } from './look.ts';
import { idOf } from './record-sources.ts';

/** What a file of texts by ids holds; `either` where only the ids can tell. */
export type TextPart = 'queries' | 'documents' | 'either';

const END_OF_DOCUMENT = '</doc>';
const END_OF_TOPIC = '</top>';
/** Tags of titles in the collections of TREC. */
const TITLE_TAG = /<(\/?)(title|headline|hl|head|h3)>/giu;
const NUMBER = /<num>([^<]*)/iu;
const TOPIC_TITLE = /<title>([^<]*)/iu;
const DOCUMENT_ID = /<docno>([^<]*)<\/docno>/iu;

/** What texts a file holds by ids; undefined if none. */
export function textPartOf(look: LookedAt): TextPart | undefined {
  const { shape, given, roles, columns } = look;
  if (given !== undefined) return given;
  if (shape?.name === 'topics') return 'queries';
  if (shape?.name === 'trec-documents') return 'documents';
  if (shape?.name === 'id-text') return 'either';
  if (roles.has('grade')) return undefined;
  if (roles.has('query')) return queryIdOf(look) === undefined || roles.has('title') ? undefined : 'queries';
  if (!roles.has('docId') || !roles.has('title')) return undefined;
  // BEIR's queries have the keys of its documents, but no title.
  const isBare = columns.every((name) => ['_id', 'id', 'text', 'metadata'].includes(name));
  return isBare ? 'either' : 'documents';
}

/** The file of texts as records of a query id and a query. */
export function queriesFile(look: LookedAt): DataFile {
  const { file, shape } = look;
  if (shape?.name === 'topics') return { name: file.name, open: () => taggedRecords(file, END_OF_TOPIC, readTopic) };
  return documentsFile(look);
}

/** The file of texts as records of documents. */
export function documentsFile({ file, shape }: LookedAt): DataFile {
  const { name } = file;
  if (shape?.name === 'id-text') return { name, open: () => lineRecords(file, readIdText) };
  if (shape?.name === 'trec-documents') return { name, open: () => taggedRecords(file, END_OF_DOCUMENT, readDocument) };
  return file;
}

/** The ids in a file of texts, one by one. */
export async function* idsIn(look: LookedAt): AsyncGenerator<string> {
  const column = idColumn(look);
  const { name, open } = queriesFile(look);
  for await (const batch of readRecords(open(), { fileName: name })) {
    for (const item of batch) if (!isRowError(item)) yield idOf(item.fields.get(column));
  }
}

/** The texts of queries by their ids; of an id that comes twice the first. */
export async function queryTexts(look: LookedAt): Promise<ReadonlyMap<string, string>> {
  const [id, text] = [idColumn(look), textColumn(look)];
  const { name, open } = queriesFile(look);
  const texts = new Map<string, string>();
  for await (const batch of readRecords(open(), { fileName: name })) {
    for (const item of batch) {
      if (isRowError(item)) continue;
      const queryId = idOf(item.fields.get(id));
      if (queryId !== '' && !texts.has(queryId)) texts.set(queryId, idOf(item.fields.get(text)));
    }
  }
  return texts;
}

function idColumn(look: LookedAt): string {
  return look.shape === undefined ? (queryIdOf(look) ?? 'docId') : 'docId';
}

function textColumn({ shape, roles }: LookedAt): string {
  return shape === undefined ? (roles.get('query') ?? roles.get('text') ?? roles.get('title') ?? 'text') : 'text';
}

function queryIdOf(look: LookedAt): string | undefined {
  return columnOf(look, 'queryid', 'qid', 'id') ?? look.roles.get('docId');
}

function readIdText(line: string): LineFields {
  const tab = line.indexOf('\t');
  const [id, text] = [line.slice(0, Math.max(tab, 0)).trim(), line.slice(tab + 1).trim()];
  if (id === '' || text === '') throw new RowProblem('', 'it is not an id and a text', 'an id, a tab and a text', line);
  return [
    ['docId', id],
    ['text', text],
  ];
}

function readTopic(text: string): LineFields {
  const number = valueAfter('number:', NUMBER.exec(text)?.[1]).split(/\s/u, 1)[0] ?? '';
  const title = valueAfter('topic:', TOPIC_TITLE.exec(text)?.[1]);
  if (number === '') throw new RowProblem('', 'a topic has no number', '<num> and a number', text.trim());
  return [
    ['docId', number],
    ['text', plainText(title)],
  ];
}

function readDocument(text: string): LineFields {
  const id = DOCUMENT_ID.exec(text)?.[1]?.trim() ?? '';
  if (id === '') throw new RowProblem('', 'a document has no id', '<DOCNO> and an id', text.trim());
  const { title, body } = titleIn(text.replace(DOCUMENT_ID, ' '));
  return [
    ['docId', id],
    ['title', plainText(title)],
    ['text', plainText(body)],
  ];
}

/** A value without the word that older topics repeat before it. */
function valueAfter(word: string, text = ''): string {
  const value = text.trim();
  return value.toLowerCase().startsWith(word) ? value.slice(word.length).trim() : value;
}

/** The first title that ends, and the text without it; found in one pass over the tags. */
function titleIn(text: string): { readonly title: string; readonly body: string } {
  const begun = new Map<string, RegExpExecArray>();
  let found: { readonly begin: RegExpExecArray; readonly end: RegExpExecArray } | undefined;
  for (const tag of text.matchAll(TITLE_TAG)) {
    const name = tag[2]?.toLowerCase() ?? '';
    const begin = begun.get(name);
    if (tag[1] === '' && begin === undefined) begun.set(name, tag);
    if (tag[1] === '' || begin === undefined) continue;
    // A title around others may end after them.
    if (found === undefined || begin.index < found.begin.index) found = { begin, end: tag };
    begun.delete(name);
  }
  if (found === undefined) return { title: '', body: text };
  const { begin, end } = found;
  return {
    title: text.slice(begin.index + begin[0].length, end.index),
    body: `${text.slice(0, begin.index)} ${text.slice(end.index + end[0].length)}`,
  };
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** Text without tags. */
function plainText(text: string): string {
  return text
    .replaceAll(/<[^<>]*>/gu, ' ')
    .replaceAll(/&(amp|lt|gt|quot|apos|nbsp);/gu, (_, name: string) => ENTITIES[name] ?? ' ')
    .replaceAll(/\s+/gu, ' ')
    .trim();
}
