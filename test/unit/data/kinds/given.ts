/**
 * Helpers for tests of kinds of files: given files in memory, archives, workbooks, and the records that are read of
 * them.
 */
import { arraySource } from '../../../../src/checkpoint/byte-source.ts';
import { LabError } from '../../../../src/common/errors.ts';
import type { DataFile } from '../../../../src/data/files/data-set-reader.ts';
import { readRecords } from '../../../../src/data/files/record-reader.ts';
import { describeRowError, isRowError } from '../../../../src/data/files/records.ts';
import { crc32 } from '../../../../src/data/kinds/crc32.ts';
import { type GivenFile, givenSource } from '../../../../src/data/kinds/given-file.ts';
import { openGiven } from '../../../../src/data/kinds/open-given.ts';
import { zipSync } from 'fflate';

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** A file in memory. */
export function given(name: string, content: string | Uint8Array): GivenFile {
  const bytes = typeof content === 'string' ? bytesOf(content) : Uint8Array.from(content);
  return givenSource(name, arraySource(bytes));
}

export function zipOf(files: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  return zipSync(
    Object.fromEntries(
      Object.entries(files).map(([name, content]) => [name, typeof content === 'string' ? bytesOf(content) : content]),
    ),
  );
}

/** What a file says, row by row: a record as an object, an error as a sentence. */
export async function rowsOf({ name, open }: DataFile): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const batch of readRecords(open(), { fileName: name })) {
    for (const item of batch) rows.push(isRowError(item) ? describeRowError(item) : Object.fromEntries(item.fields));
  }
  return rows;
}

/** The rows of all files in one. */
export async function rowsIn(file: GivenFile, sheet?: string): Promise<unknown[]> {
  const { files } = await openGiven([file], sheet);
  const rows: unknown[] = [];
  for (const one of files) rows.push(...(await rowsOf(one)));
  return rows;
}

/** The code of what is thrown, or the rows if nothing is; anything but a LabError is thrown on. */
export async function outcome(work: () => Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await work());
  } catch (thrown) {
    if (thrown instanceof LabError) return `${thrown.code}: ${thrown.message}`;
    throw thrown;
  }
}

/** A cell by its XML, such as `<c r="A1"><v>1</v></c>`. */
export interface Workbook {
  readonly sheets: Readonly<Record<string, string>>;
  readonly shared?: readonly string[];
  /** The format codes of styles, in order; the number of a built-in format as such. */
  readonly styles?: readonly (string | number)[];
  readonly is1904?: boolean;
}

const RELATION = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

/** A minimal workbook; the contents of sheets are their rows as XML. */
export function workbookOf({ sheets, shared = [], styles = [], is1904 = false }: Workbook): Uint8Array {
  const names = Object.keys(sheets);
  const escape = (text: string): string =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  const own = styles.filter((style) => typeof style === 'string');
  const idOfStyle = (style: string | number): number => (typeof style === 'number' ? style : 164 + own.indexOf(style));
  const relations = [
    ...names.map((_, i) => `<Relationship Id="s${i}" Type="${RELATION}/worksheet" Target="worksheets/sheet${i}.xml"/>`),
    `<Relationship Id="t" Type="${RELATION}/sharedStrings" Target="/xl/sharedStrings.xml"/>`,
    `<Relationship Id="y" Type="${RELATION}/styles" Target="styles.xml"/>`,
  ];
  const parts: Record<string, string> = {
    '[Content_Types].xml': '<Types/>',
    '_rels/.rels': `<Relationships><Relationship Id="r" Type="${RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    'xl/_rels/workbook.xml.rels': `<Relationships>${relations.join('')}</Relationships>`,
    'xl/workbook.xml': `<workbook xmlns:r="${RELATION}"><workbookPr date1904="${is1904 ? 1 : 0}"/><sheets>${names
      .map((name, i) => `<sheet name="${escape(name)}" sheetId="${i + 1}" r:id="s${i}"/>`)
      .join('')}</sheets></workbook>`,
    'xl/sharedStrings.xml': `<sst>${shared.map((text) => `<si><t xml:space="preserve">${escape(text)}</t></si>`).join('')}</sst>`,
    'xl/styles.xml': `<styleSheet><numFmts>${own
      .map((code, i) => `<numFmt numFmtId="${164 + i}" formatCode="${escape(code)}"/>`)
      .join(
        '',
      )}</numFmts><cellXfs>${styles.map((style) => `<xf numFmtId="${idOfStyle(style)}"/>`).join('')}</cellXfs></styleSheet>`,
  };
  for (const [i, name] of names.entries()) {
    parts[`xl/worksheets/sheet${i}.xml`] = `<worksheet><sheetData>${sheets[name] ?? ''}</sheetData></worksheet>`;
  }
  return zipOf(parts);
}

/** A row of texts as inline cells. */
export function textRow(cells: readonly string[], row?: number): string {
  const escape = (text: string): string =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('_x', '_x005F_x');
  const inner = cells.map((cell) => `<c t="inlineStr"><is><t xml:space="preserve">${escape(cell)}</t></is></c>`);
  return `<row${row === undefined ? '' : ` r="${row}"`}>${inner.join('')}</row>`;
}

/** A zip archive of one stored member, with any sizes and checksum in its directory. */
export function forgedZip(
  content: Uint8Array,
  claim: {
    readonly size?: number;
    readonly packed?: number;
    readonly crc?: number;
    readonly flags?: number;
    readonly method?: number;
  },
): Uint8Array {
  const { size = content.length, packed = content.length, crc = crc32(content), flags = 0, method = 0 } = claim;
  const name = bytesOf('pairs.csv');
  const local = new DataView(new ArrayBuffer(30));
  local.setUint32(0, 0x04034b50, true);
  local.setUint16(26, name.length, true);
  const central = new DataView(new ArrayBuffer(46));
  central.setUint32(0, 0x02014b50, true);
  central.setUint16(8, flags, true);
  central.setUint16(10, method, true);
  central.setUint32(16, crc, true);
  central.setUint32(20, packed, true);
  central.setUint32(24, size, true);
  central.setUint16(28, name.length, true);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, 1, true);
  end.setUint16(10, 1, true);
  end.setUint32(12, 46 + name.length, true);
  end.setUint32(16, 30 + name.length + content.length, true);
  const parts = [local, name, content, central, name, end].map((part) =>
    part instanceof DataView ? new Uint8Array(part.buffer) : part,
  );
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
