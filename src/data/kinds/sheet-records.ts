/**
 * The rows of a sheet as records, as a CSV file of it would give them: all values are texts, the first row that is not
 * empty has the names of the columns, and rows are numbered as the spreadsheet shows them. A cell of a formula has the
 * value that was computed last.
 */
import { throwIfAborted } from '../../common/errors.ts';
import { type NumberedRow, readHeader, toRecord } from '../files/delimited-records.ts';
import { badFile, MAX_ROW_LENGTH, type RecordBatch, type RecordSource } from '../files/records.ts';
import { cellText, columnIn, dateText, numberText } from './cell-values.ts';
import type { SheetName, Workbook } from './workbook.ts';
import { readXml, type XmlHandlers } from './xml-events.ts';

/** The last column of a sheet is XFD. */
const MAX_COLUMNS = 16_384;
/** The longest row is as that of a CSV file; cells may be repeated texts, so it is counted. */
const MAX_CELL_LENGTH = MAX_ROW_LENGTH;

/** The records of a sheet. */
export function sheetRecords(workbook: Workbook, { part, name }: SheetName): RecordSource {
  return {
    records: async function* ({ signal }, checkHeader) {
      const { fileName } = workbook;
      const rows = new SheetRows(workbook);
      let header: readonly string[] | undefined;
      const read = (batch: readonly NumberedRow[]): RecordBatch =>
        batch.flatMap((row) => {
          if (row.cells.every((cell) => cell.trim() === '')) return [];
          const cells = withoutEmptyEnd(row.cells, header?.length ?? 0);
          if (header !== undefined) return [toRecord({ ...row, cells }, header)];
          header = readHeader({ ...row, cells }, fileName);
          checkHeader(header);
          return [];
        });
      for await (const _ of readXml(workbook.openPart(part), rows.handlers, fileName)) {
        throwIfAborted(signal);
        yield read(rows.take());
      }
      if (header === undefined) {
        throw badFile(fileName, {
          problem: `its sheet ${JSON.stringify(name)} has no rows`,
          expected: 'a header',
          got: 'nothing',
          fix: 'Choose another sheet or file.',
        });
      }
    },
  };
}

/** Cells up to the last that has something, and at least as many as a header has. */
function withoutEmptyEnd(cells: readonly string[], width: number): string[] {
  const last = cells.findLastIndex((cell) => cell.trim() !== '') + 1;
  return Array.from({ length: Math.max(last, width) }, (_, i) => cells[i] ?? '');
}

/** Makes rows of the events of a sheet. */
class SheetRows {
  readonly handlers: XmlHandlers;
  readonly #workbook: Workbook;
  #rows: NumberedRow[] = [];
  #row = 0;
  #cells: string[] = [];
  #length = 0;
  #column = -1;
  #type = '';
  #style = 0;
  #value = '';
  #inline = '';
  #hasValue = false;
  /** The element whose text counts. */
  #reading: 'v' | 't' | '' = '';
  #phonetic = 0;

  constructor(workbook: Workbook) {
    this.#workbook = workbook;
    this.handlers = {
      open: (name, attributes) => this.#open(name, attributes),
      close: (name) => this.#close(name),
      text: (text) => {
        if (this.#reading === 'v') this.#value += text;
        else if (this.#reading === 't') this.#inline += text;
      },
    };
  }

  /** The rows that are complete. */
  take(): readonly NumberedRow[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  #open(name: string, { r = '', t = 'n', s = '0' }: Readonly<Record<string, string>>): void {
    if (name === 'row') {
      const number = r === '' ? this.#row + 1 : Number(r);
      if (!(Number.isSafeInteger(number) && number > this.#row)) throw this.#damaged(`row ${r} after ${this.#row}`);
      this.#row = number;
      this.#cells = [];
      this.#length = 0;
      this.#column = -1;
    } else if (name === 'c') {
      const column = r === '' ? this.#column + 1 : columnIn(r);
      if (column === undefined || column >= MAX_COLUMNS || column <= this.#column) {
        throw this.#damaged(`cell ${JSON.stringify(r)} in row ${this.#row}`);
      }
      this.#column = column;
      this.#type = t;
      this.#style = Number(s);
      this.#value = '';
      this.#inline = '';
      this.#hasValue = false;
    } else if (name === 'rPh') this.#phonetic += 1;
    else if (name === 'v') {
      this.#reading = 'v';
      this.#hasValue = true;
    } else if (name === 't' && this.#phonetic === 0) this.#reading = 't';
  }

  #close(name: string): void {
    if (name === 'v' || name === 't') this.#reading = '';
    else if (name === 'rPh') this.#phonetic -= 1;
    else if (name === 'c') this.#endCell();
    else if (name === 'row') {
      // Columns without a cell are empty.
      const cells = Array.from(this.#cells, (cell: string | undefined) => cell ?? '');
      this.#rows.push({ row: this.#row, cells, problem: undefined });
    }
  }

  #endCell(): void {
    const text = this.#type === 'inlineStr' ? cellText(this.#inline) : this.#hasValue ? this.#text() : '';
    this.#length += text.length;
    if (this.#length > MAX_CELL_LENGTH)
      throw this.#damaged(`more than ${MAX_CELL_LENGTH} characters in row ${this.#row}`);
    if (text !== '') this.#cells[this.#column] = text;
  }

  #text(): string {
    const { sharedTexts, dateFormats, is1904 } = this.#workbook;
    const value = this.#value;
    switch (this.#type) {
      case 's': {
        const text = sharedTexts[Number(value)];
        if (text === undefined) throw this.#damaged(`no shared text ${JSON.stringify(value)} for row ${this.#row}`);
        return text;
      }
      case 'b':
        return value === '1' || value === 'true' ? 'TRUE' : 'FALSE';
      case 'n': {
        const format = dateFormats[this.#style];
        return format === undefined ? numberText(value) : dateText(value, format, is1904);
      }
      default:
        // Results of formulas, errors and dates of ISO 8601 are texts already.
        return this.#type === 'str' ? cellText(value) : value;
    }
  }

  #damaged(got: string): Error {
    return badFile(this.#workbook.fileName, {
      problem: 'a sheet of it cannot be read',
      expected: 'rows and cells in order, as spreadsheet programs write them',
      got,
      fix: 'Open it in a spreadsheet program and save it again, or save the sheet as CSV UTF-8.',
    });
  }
}
