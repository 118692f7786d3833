/**
 * Workbooks of spreadsheet programs (.xlsx, ECMA-376): an archive of XML parts. Here are the parts beside the sheets:
 * which sheets there are, the texts that cells share, and which number formats are dates.
 */
import type { ByteSource } from '../../checkpoint/byte-source.ts';
import { badFile } from '../files/records.ts';
import { builtInDateFormat, cellText, type DateFormat, dateFormatOf } from './cell-values.ts';
import { readXmlWhole } from './xml-events.ts';
import { unpackMember, type ZipMember } from './zip-archive.ts';

/** Texts that cells share are held in memory. */
const MAX_STRINGS_BYTES = 2 ** 28;
/** The other parts are small. */
const MAX_PART_BYTES = 2 ** 24;

/** A sheet by the name on its tab. */
export interface SheetName {
  readonly name: string;
  readonly isHidden: boolean;
  /** Its part of the archive. */
  readonly part: string;
}

/** An open workbook; its sheets are read by `sheet-records.ts`. */
export interface Workbook {
  readonly fileName: string;
  readonly sheets: readonly SheetName[];
  /** Whether dates count from 1904. */
  readonly is1904: boolean;
  readonly sharedTexts: readonly string[];
  /** The date format of each style; undefined for numbers. */
  readonly dateFormats: readonly (DateFormat | undefined)[];
  /** The contents of a part. @throws {LabError} `bad-file` if it is missing */
  readonly openPart: (part: string) => AsyncIterable<Uint8Array>;
}

/** The name of the part that says what a file of parts is. */
export const CONTENT_TYPES = '[Content_Types].xml';

/**
 * Opens a workbook.
 *
 * @param members - of the archive that it is
 * @throws {LabError} `bad-file` if it is another kind of document, or damaged
 */
export async function openWorkbook(
  source: ByteSource,
  members: readonly ZipMember[],
  fileName: string,
): Promise<Workbook> {
  const parts = new Map(members.map((member) => [member.name.toLowerCase(), member]));
  const partOf = (name: string, limit = Infinity): ZipMember => {
    const member = parts.get(name.toLowerCase());
    if (member === undefined) throw damaged(fileName, `no part ${name}`);
    if (member.sizeBytes > limit) throw damaged(fileName, `${member.sizeBytes} bytes in ${name}, more than ${limit}`);
    return member;
  };
  const open = (name: string, limit?: number): AsyncIterable<Uint8Array> =>
    unpackMember(source, partOf(name, limit), fileName);
  const root = await readRelations(open('_rels/.rels', MAX_PART_BYTES), '', fileName);
  const main = root.find(({ type }) => type === 'officeDocument')?.target ?? '';
  if (!/workbook\.xml$/iu.test(main)) throw notWorkbook(fileName, main === '' ? 'no document' : main);
  const relations = await readRelations(open(relationsOf(main), MAX_PART_BYTES), folderOf(main), fileName);
  const { sheets, is1904 } = await readSheetNames(open(main, MAX_PART_BYTES), relations, fileName);
  if (sheets.length === 0) throw notWorkbook(fileName, 'no sheet with cells');
  const targetOf = (wanted: string): string | undefined => relations.find(({ type }) => type === wanted)?.target;
  const [styles, texts] = [targetOf('styles'), targetOf('sharedStrings')];
  return {
    fileName,
    sheets,
    is1904,
    sharedTexts: texts === undefined ? [] : await readSharedTexts(open(texts, MAX_STRINGS_BYTES), fileName),
    dateFormats: styles === undefined ? [] : await readDateFormats(open(styles, MAX_PART_BYTES), fileName),
    openPart: open,
  };
}

/** Whether the members of an archive are parts of an office document, such as a workbook. */
export function isOfficeFile(members: readonly ZipMember[]): boolean {
  return members.some(({ name }) => name === CONTENT_TYPES);
}

interface Relation {
  readonly id: string;
  /** The last word of its address. */
  readonly type: string;
  /** The name of a part. */
  readonly target: string;
}

async function readRelations(
  source: AsyncIterable<Uint8Array>,
  folder: string,
  fileName: string,
): Promise<readonly Relation[]> {
  const relations: Relation[] = [];
  const open = (name: string, { Id = '', Type = '', Target = '' }: Readonly<Record<string, string>>): void => {
    if (name !== 'Relationship') return;
    const type = Type.slice(Type.lastIndexOf('/') + 1);
    relations.push({ id: Id, type, target: resolvePart(folder, Target) });
  };
  await readXmlWhole(source, { open, close: nothing, text: nothing }, fileName);
  return relations;
}

async function readSheetNames(
  source: AsyncIterable<Uint8Array>,
  relations: readonly Relation[],
  fileName: string,
): Promise<{ readonly sheets: readonly SheetName[]; readonly is1904: boolean }> {
  const sheets: SheetName[] = [];
  let is1904 = false;
  const open = (element: string, attributes: Readonly<Record<string, string>>): void => {
    if (element === 'workbookPr') is1904 = isTrue(attributes['date1904']);
    if (element !== 'sheet') return;
    const id = Object.entries(attributes).find(([name]) => name === 'id' || name.endsWith(':id'))?.[1];
    const relation = relations.find((one) => one.id === id);
    // Sheets of charts have no cells.
    if (relation?.type !== 'worksheet') return;
    const { name = '', state = 'visible' } = attributes;
    sheets.push({ name, isHidden: state !== 'visible', part: relation.target });
  };
  await readXmlWhole(source, { open, close: nothing, text: nothing }, fileName);
  return { sheets, is1904 };
}

/** The texts of cells, with the runs of each joined and without how they are pronounced. */
async function readSharedTexts(source: AsyncIterable<Uint8Array>, fileName: string): Promise<string[]> {
  const texts: string[] = [];
  let text = '';
  let isText = false;
  let phonetic = 0;
  await readXmlWhole(
    source,
    {
      open: (name) => {
        if (name === 'si') text = '';
        if (name === 'rPh') phonetic += 1;
        if (name === 't') isText = phonetic === 0;
      },
      close: (name) => {
        if (name === 'rPh') phonetic -= 1;
        if (name === 't') isText = false;
        if (name === 'si') texts.push(cellText(text));
      },
      text: (piece) => {
        if (isText) text += piece;
      },
    },
    fileName,
  );
  return texts;
}

/** The date formats of the styles that cells have. */
async function readDateFormats(
  source: AsyncIterable<Uint8Array>,
  fileName: string,
): Promise<(DateFormat | undefined)[]> {
  const own = new Map<number, DateFormat | undefined>();
  const formats: (DateFormat | undefined)[] = [];
  let isCells = false;
  await readXmlWhole(
    source,
    {
      open: (name, { numFmtId = '', formatCode = '' }) => {
        if (name === 'numFmt') own.set(Number(numFmtId), dateFormatOf(formatCode));
        if (name === 'cellXfs') isCells = true;
        const id = Number(numFmtId);
        if (name === 'xf' && isCells) formats.push(own.has(id) ? own.get(id) : builtInDateFormat(id));
      },
      close: (name) => {
        if (name === 'cellXfs') isCells = false;
      },
      text: nothing,
    },
    fileName,
  );
  return formats;
}

/** Where the relations of a part are. */
function relationsOf(part: string): string {
  const folder = folderOf(part);
  return `${folder}_rels/${part.slice(folder.length)}.rels`;
}

function folderOf(part: string): string {
  return part.slice(0, part.lastIndexOf('/') + 1);
}

/** The name of a part that is given from a folder, or from the root. */
function resolvePart(folder: string, target: string): string {
  const steps: string[] = [];
  for (const step of (target.startsWith('/') ? target : folder + target).split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return steps.join('/');
}

function isTrue(value: string | undefined): boolean {
  return value === '1' || value === 'true' || value === 'on';
}

function nothing(): void {
  // An event that a part does not need.
}

function notWorkbook(fileName: string, got: string): Error {
  return badFile(fileName, {
    problem: 'it is no workbook that can be read',
    expected: 'an Excel workbook (.xlsx)',
    got,
    fix: 'Save it as .xlsx, or the sheet as CSV UTF-8.',
  });
}

function damaged(fileName: string, got: string): Error {
  return badFile(fileName, {
    problem: 'it is no workbook that can be read',
    expected: 'an Excel workbook (.xlsx) with all its parts',
    got,
    fix: 'Open it in a spreadsheet program and save it again, or save the sheet as CSV UTF-8.',
  });
}
