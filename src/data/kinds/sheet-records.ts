/**
 * The rows of a sheet as records, as a CSV file of it would give them: all values are texts, the first row that is not
 * empty has the names of the columns, and rows are numbered as the spreadsheet shows them. A cell of a formula has the
 * value that was computed last.
 */
import { throwIfAborted } from '../../common/errors.ts';
import { readHeader, toRecord } from '../files/delimited-records.ts';
import { badFile, MAX_ROW_LENGTH, type RecordBatch, type RecordSource } from '../files/records.ts';
import { cellText, columnIn, dateText, numberText } from './cell-values.ts';
import type { SheetName, Workbook } from './workbook.ts';
import { readXml, type XmlHandlers } from './xml-events.ts';

/** The last column of a sheet is XFD. */
const MAX_COLUMNS = 16_384;
/** The longest row is as that of a CSV file; cells may be repeated texts, so it is counted. */
const MAX_CELL_LENGTH = MAX_ROW_LENGTH;
/** The number of cells after which a batch ends, because a short piece of a sheet may have many wide rows. */
const BATCH_CELLS = 2 ** 16;

/** The records of a sheet. */
export function sheetRecords(workbook: Workbook, { part, name }: SheetName): RecordSource {
  return {
    records: async function* ({ signal }, checkHeader) {
      const { fileName } = workbook;
      const rows = new SheetRows(workbook);
      let header: readonly string[] | undefined;
      const read = ({ row, cells: given }: SheetRow): RecordBatch => {
        const cells = denseCells(given, header?.length ?? 0);
        if (header !== undefined) return [toRecord({ row, cells, problem: undefined }, header)];
        header = readHeader({ row, cells, problem: undefined }, fileName);
        checkHeader(header);
        return [];
      };
      for await (const _ of readXml(workbook.openPart(part), rows.handlers, fileName)) {
        throwIfAborted(signal);
        let [batch, cells]: [RecordBatch[number][], number] = [[], 0];
        for (const row of rows.take()) {
          batch.push(...read(row));
          cells += Math.max(row.cells.length, header?.length ?? 0);
          if (cells < BATCH_CELLS) continue;
          yield batch;
          [batch, cells] = [[], 0];
        }
        yield batch;
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

/** A row with something in it; cells that are missing are empty. */
interface SheetRow {
  readonly row: number;
  readonly cells: readonly (string | undefined)[];
}

/** Cells up to the last that has something, and at least as many as a header has. */
function denseCells(cells: SheetRow['cells'], width: number): string[] {
  return Array.from({ length: Math.max(cells.length, width) }, (_, i) => cells[i] ?? '');
}

/** Makes rows of the events of a sheet. */
class SheetRows {
  readonly handlers: XmlHandlers;
  readonly #workbook: Workbook;
  #rows: SheetRow[] = [];
  #row = 0;
  /** Only cells with something have a place, because the last of thousands may be the only one. */
  #cells: string[] = [];
  /** Cells up to the last that is not blank. */
  #width = 0;
  /** Characters of the row, and of the cell at hand. */
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
        this.#checkLength(this.#value.length + this.#inline.length);
      },
    };
  }

  /** The rows that are complete. */
  take(): readonly SheetRow[] {
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
      this.#width = 0;
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
      this.#cells.length = this.#width;
      if (this.#width > 0) this.#rows.push({ row: this.#row, cells: this.#cells });
      this.#cells = [];
    }
  }

  #endCell(): void {
    const text = this.#type === 'inlineStr' ? cellText(this.#inline) : this.#hasValue ? this.#text() : '';
    this.#checkLength(text.length);
    this.#length += text.length;
    if (text === '') return;
    this.#cells[this.#column] = text;
    if (text.trim() !== '') this.#width = this.#column + 1;
  }

  #checkLength(more: number): void {
    if (this.#length + more > MAX_CELL_LENGTH)
      throw this.#damaged(`more than ${MAX_CELL_LENGTH} characters in row ${this.#row}`);
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
