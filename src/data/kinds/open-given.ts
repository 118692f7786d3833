/**
 * Opens files by what they are, recognised by their first bytes and never by their names: an archive becomes the files
 * in it, a workbook one of its sheets, Parquet its rows; anything else is text, as `data/files` reads it.
 *
 * Readers of workbooks and of Parquet are loaded when such a file is opened.
 */
import { arraySource } from '../../checkpoint/byte-source.ts';
import { badFile } from '../files/records.ts';
import type { DataFile } from '../files/data-set-reader.ts';
import { type GivenFile, headOf } from './given-file.ts';
import type { Workbook } from './workbook.ts';
import type { ZipMember } from './zip-archive.ts';

/** The kinds of files, as messages name them. */
export type FileKind = 'text' | 'workbook' | 'parquet';

/** A file whose records can be read. */
export interface OpenedFile extends DataFile {
  readonly kind: FileKind;
  /** The file that it is, or that it is in. */
  readonly from: GivenFile;
}

/** The sheets of a workbook, and the one that is read. */
export interface SheetChoice {
  readonly fileName: string;
  readonly sheets: readonly string[];
  readonly chosen: string;
}

/** What the given files are. */
export interface OpenedKinds {
  readonly files: readonly OpenedFile[];
  readonly sheets: readonly SheetChoice[];
  /** What was left out or chosen, a sentence each. */
  readonly notes: readonly string[];
}

const HEAD_BYTES = 8;
/** A workbook or a Parquet file in an archive is unpacked into memory. */
const MAX_MEMBER_BYTES = 2 ** 28;
/** Members of archives that people do not see, and those that describe the others. */
const UNSEEN = /(?:^|\/)(?:__MACOSX\/|\.(?!\.?\/)|desktop\.ini$|thumbs\.db$)/iu;
const DESCRIPTION =
  /(?:^|\/)(?:readme|licen[cs]e|notice|changelog|citation)[^/]*$|\.(?:md|pdf|html?|docx?|png|jpe?g)$/iu;

/**
 * Opens files.
 *
 * @param sheet - the sheet of workbooks that is wanted; by default the first that is visible
 * @throws {LabError} `bad-file` if one is damaged, too large, or of a kind that is not read
 */
export async function openGiven(given: readonly GivenFile[], sheet?: string): Promise<OpenedKinds> {
  const opened: OpenedKinds[] = [];
  for (const file of given) {
    const one = await openOne(file, sheet, false);
    // A member of an archive is in the archive.
    opened.push({ ...one, files: one.files.map((inner) => ({ ...inner, from: file })) });
  }
  const sheets = opened.flatMap((one) => one.sheets);
  if (sheet !== undefined && !sheets.some(({ chosen }) => chosen === sheet)) throw noSheet(sheet, sheets);
  return { files: opened.flatMap(({ files }) => files), sheets, notes: opened.flatMap(({ notes }) => notes) };
}

async function openOne(file: GivenFile, sheet: string | undefined, isMember: boolean): Promise<OpenedKinds> {
  const head = await headOf(file, HEAD_BYTES);
  const { name } = file;
  if (head[0] === 0x50 && head[1] === 0x4b) return openArchive(file, sheet, isMember);
  if (head[0] === 0x50 && head[1] === 0x41) {
    const { isParquet, parquetRecords } = await import('./parquet-records.ts');
    if (isParquet(head)) {
      const source = await file.bytes();
      return {
        files: [{ name, kind: 'parquet', open: () => parquetRecords(source, name), from: file }],
        sheets: [],
        notes: [],
      };
    }
  }
  return { files: [{ name, kind: 'text', open: file.open, from: file }], sheets: [], notes: [] };
}

async function openArchive(file: GivenFile, sheet: string | undefined, isMember: boolean): Promise<OpenedKinds> {
  const { isZip, readZip, unpackMember } = await import('./zip-archive.ts');
  const { isOfficeFile, openWorkbook } = await import('./workbook.ts');
  const { name } = file;
  if (!isZip(await headOf(file, HEAD_BYTES))) {
    return { files: [{ name, kind: 'text', open: file.open, from: file }], sheets: [], notes: [] };
  }
  const source = await file.bytes();
  const members = await readZip(source, name);
  if (isOfficeFile(members)) return openSheet(file, await openWorkbook(source, members, name), sheet);
  if (isMember) {
    throw badFile(name, {
      problem: 'it is an archive in an archive',
      expected: 'files of rows in an archive',
      got: `${members.length} files in it`,
      fix: 'Unpack the outer archive first.',
    });
  }
  const seen = members.filter((member) => !UNSEEN.test(member.name));
  const data = seen.filter((member) => !DESCRIPTION.test(member.name) && member.sizeBytes > 0);
  if (data.length === 0) {
    throw badFile(name, {
      problem: 'no file in it can be read',
      expected: 'files of rows, such as .csv, .tsv, .jsonl or .xlsx',
      got:
        seen.length === 0
          ? 'no files'
          : seen
              .slice(0, 10)
              .map((member) => plainName(member))
              .join(', '),
      fix: 'Choose another archive.',
    });
  }
  const opened: OpenedKinds[] = [];
  for (const member of data) {
    const open = (): AsyncIterable<Uint8Array> => unpackMember(source, member, name);
    opened.push(await openOne(memberFile(member, open, name), sheet, true));
  }
  const left = seen.filter((member) => !data.includes(member)).map((member) => plainName(member));
  return {
    files: opened.flatMap(({ files }) => files),
    sheets: opened.flatMap(({ sheets }) => sheets),
    notes: [
      ...(left.length === 0
        ? []
        : [`Of ${name}, ${left.slice(0, 10).join(', ')} ${left.length === 1 ? 'is' : 'are'} not read.`]),
      ...opened.flatMap(({ notes }) => notes),
    ],
  };
}

async function openSheet(from: GivenFile, workbook: Workbook, wanted: string | undefined): Promise<OpenedKinds> {
  const { sheetRecords } = await import('./sheet-records.ts');
  const { fileName, sheets } = workbook;
  const sheet = sheets.find(({ name }) => name === wanted) ?? sheets.find(({ isHidden }) => !isHidden) ?? sheets[0];
  if (sheet === undefined) return { files: [], sheets: [], notes: [] };
  const others = sheets.filter((one) => one !== sheet).map(({ name }) => JSON.stringify(name));
  return {
    files: [{ name: fileName, kind: 'workbook', open: () => sheetRecords(workbook, sheet), from }],
    sheets: [{ fileName, sheets: sheets.map(({ name }) => name), chosen: sheet.name }],
    notes:
      others.length === 0 || sheet.name === wanted
        ? []
        : [
            `Of ${fileName}, the sheet ${JSON.stringify(sheet.name)} is read, and not ${others.slice(0, 10).join(', ')}.`,
          ],
  };
}

/** A member of an archive as a file. */
function memberFile(member: ZipMember, open: () => AsyncIterable<Uint8Array>, archive: string): GivenFile {
  const name = plainName(member);
  const { sizeBytes } = member;
  return {
    name,
    sizeBytes,
    open,
    bytes: async () => {
      if (sizeBytes > MAX_MEMBER_BYTES) {
        throw badFile(archive, {
          problem: `${JSON.stringify(name)} in it is too large`,
          expected: `at most ${MAX_MEMBER_BYTES} bytes`,
          got: `${sizeBytes}`,
          fix: 'Unpack it first.',
        });
      }
      const bytes = new Uint8Array(sizeBytes);
      let at = 0;
      for await (const piece of open()) {
        bytes.set(piece, at);
        at += piece.length;
      }
      return arraySource(bytes);
    },
  };
}

/** The last part of a name, without characters that no file should be called by. */
function plainName({ name }: ZipMember): string {
  return (
    name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1).replaceAll(/\p{Cc}/gu, '') || 'unnamed'
  );
}

function noSheet(wanted: string, found: readonly SheetChoice[]): Error {
  return badFile(found[0]?.fileName ?? 'These files', {
    problem: `there is no sheet ${JSON.stringify(wanted)}`,
    expected: 'the name of a sheet',
    got:
      found.length === 0
        ? 'no workbook'
        : found.flatMap(({ sheets }) => sheets.map((name) => JSON.stringify(name))).join(', '),
    fix: 'Name another sheet, or leave it out for the first.',
  });
}
