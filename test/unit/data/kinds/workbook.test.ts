/** Workbooks: the values that people see, with every digit of ids, and hostile parts refused. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnIn, dateFormatOf, dateText, numberText } from '../../../../src/data/kinds/cell-values.ts';
import { readXmlWhole } from '../../../../src/data/kinds/xml-events.ts';
import { readRecords } from '../../../../src/data/files/record-reader.ts';
import { openGiven } from '../../../../src/data/kinds/open-given.ts';
import { bytesOf, given, outcome, rowsIn, textRow, workbookOf, zipOf } from './given.ts';

const HEAD = textRow(['query', 'docId', 'title', 'grade'], 1);

const book = (rows: string, more: Partial<Parameters<typeof workbookOf>[0]> = {}): Uint8Array =>
  workbookOf({ sheets: { Pairs: HEAD + rows }, ...more });

describe('a workbook', () => {
  it('has shared, inline, formula and boolean cells as text', async () => {
    const row =
      '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2"><v>9007199254740993</v></c>' +
      '<c r="C2" t="str"><f>A2</f><v>a &amp; b</v></c><c r="D2" t="b"><v>1</v></c></row>';
    expect(await rowsIn(given('x.xlsx', book(row, { shared: ['red _x000D_kettle'] })))).toEqual([
      { query: 'red \rkettle', docId: '9007199254740993', title: 'a & b', grade: 'TRUE' },
    ]);
  });

  it('has dates as dates, in both systems', async () => {
    const row = (serial: string): string =>
      `<row r="2"><c r="A2" s="1"><v>${serial}</v></c><c r="B2" s="2"><v>${serial}</v></c><c r="C2" s="3"><v>${serial}</v></c><c r="D2"><v>${serial}</v></c></row>`;
    const styles = [0, 14, 'dd.mm.yyyy\\ hh:mm', '0.00'];
    expect(await rowsIn(given('x.xlsx', book(row('45658.75'), { styles })))).toEqual([
      { query: '2025-01-01T18:00:00', docId: '2025-01-01T18:00:00', title: '45658.75', grade: '45658.75' },
    ]);
    expect(await rowsIn(given('x.xlsx', book(row('0'), { styles, is1904: true })))).toEqual([
      { query: '1904-01-01', docId: '1904-01-01T00:00:00', title: '0', grade: '0' },
    ]);
  });

  it('is read by its first visible sheet or the one that is named', async () => {
    const two = workbookOf({
      sheets: { Notes: textRow(['a'], 1) + textRow(['b'], 2), 'Q & A': HEAD + textRow(['q', '1', 't', '2'], 2) },
    });
    const { sheets, notes } = await openGiven([given('two.xlsx', two)]);
    expect(sheets).toEqual([{ fileName: 'two.xlsx', sheets: ['Notes', 'Q & A'], chosen: 'Notes' }]);
    expect(notes).toEqual(['Of two.xlsx, the sheet "Notes" is read, and not "Q & A".']);
    expect(await rowsIn(given('two.xlsx', two), 'Q & A')).toEqual([{ query: 'q', docId: '1', title: 't', grade: '2' }]);
    expect(await outcome(() => rowsIn(given('two.xlsx', two), 'None'))).toMatch(/no sheet "None".*"Notes", "Q & A"/u);
  });

  it('keeps the numbers of its rows, passes empty ones over and fills missing cells', async () => {
    const rows = '<row r="7"><c r="A7" t="inlineStr"><is><t>q</t></is></c><c r="C7"><v>1.0</v></c></row><row r="9"/>';
    expect(await rowsIn(given('x.xlsx', book(rows)))).toEqual([{ query: 'q', docId: '', title: '1', grade: '' }]);
    const wide = textRow(['a', 'b', 'c', 'd', 'e'], 12);
    expect(await rowsIn(given('x.xlsx', book(wide)))).toEqual([
      expect.stringMatching(/^Row 12: it has too many cells/u),
    ]);
  });

  it.each([
    ['rows that go back', '<row r="5"/><row r="2"/>', /row 2 after 5/u],
    ['cells that go back', '<row r="2"><c r="B2"/><c r="A2"/></row>', /cell "A2"/u],
    ['a column beyond the last', '<row r="2"><c r="XFE2"><v>1</v></c></row>', /cell "XFE2"/u],
    ['a text that is not shared', '<row r="2"><c r="A2" t="s"><v>7</v></c></row>', /no shared text/u],
    ['broken XML', '<row r="2"><c></row>', /cannot be read/u],
    ['elements in each other', '<x>'.repeat(500), /more than 64 elements/u],
  ])('with %s is refused', async (_, rows, problem) => {
    expect(await outcome(() => rowsIn(given('x.xlsx', book(rows))))).toMatch(problem);
  });

  it('is read in small batches, however wide its rows are', async () => {
    const names = Array.from({ length: 16_000 }, (_, i) => `c${i}`);
    const blank = (row: number): string => `<row r="${row}"><c r="XFD${row}" t="inlineStr"><is><t> </t></is></c></row>`;
    const rows = Array.from({ length: 60 }, (_, i) => textRow(['a'], i + 2)).join('');
    const blanks = Array.from({ length: 5000 }, (_, i) => blank(i + 100)).join('');
    const wide = workbookOf({ sheets: { Pairs: textRow(names, 1) + rows + blanks } });
    const { files } = await openGiven([given('x.xlsx', wide)]);
    const sizes: number[] = [];
    for (const { name, open } of files)
      for await (const batch of readRecords(open(), { fileName: name })) sizes.push(batch.length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(60);
    expect(Math.max(...sizes)).toBeLessThan(8);
  });

  it('with a text that does not end is refused before all of it is read', async () => {
    let chunks = 0;
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      await Promise.resolve();
      yield bytesOf('<worksheet><sheetData><row><c><v>');
      for (; chunks < 100; chunks++) yield new Uint8Array(2 ** 20).fill(0x78);
    };
    const events = readXmlWhole(endless(), { open: () => {}, close: () => {}, text: () => {} }, 'x.xlsx');
    expect(await outcome(() => events)).toMatch(/^bad-file: .*cannot be read/u);
    expect(chunks).toBeLessThan(5);
  });

  it('with a document type is refused, because entities expand', async () => {
    const lol = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><Relationships>&a;</Relationships>';
    const zip = zipOf({ '[Content_Types].xml': '<Types/>', '_rels/.rels': lol });
    expect(await outcome(() => rowsIn(given('x.xlsx', zip)))).toMatch(/document type/u);
  });

  it('of another program is said to be none', async () => {
    const relation =
      '<Relationships><Relationship Id="r" Type="x/officeDocument" Target="word/document.xml"/></Relationships>';
    const zip = zipOf({ '[Content_Types].xml': '<Types/>', '_rels/.rels': relation });
    expect(await outcome(() => rowsIn(given('x.docx', zip)))).toMatch(/no workbook.*word\/document\.xml/u);
  });

  it('gives every text back', async () => {
    const cell = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => {
      return !/[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(text) && text.trim() !== '';
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell, cell, cell), { minLength: 1, maxLength: 5 }), async (rows) => {
        const xml = rows.map((row, i) => textRow(row, i + 2)).join('');
        const read = await rowsIn(given('x.xlsx', book(xml)));
        expect(read).toEqual(rows.map(([query, docId, title, grade]) => ({ query, docId, title, grade })));
      }),
      { numRuns: 50 },
    );
  });
});

describe('numbers', () => {
  it('keep all digits of whole numbers, and are the shortest of floats', () => {
    fc.assert(
      fc.property(fc.bigInt(), (n) => {
        expect(numberText(String(n))).toBe(String(n));
      }),
    );
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }), (x) => {
        expect(Number(numberText(x.toPrecision(17)))).toBe(x === 0 ? 0 : x);
      }),
    );
    expect(numberText('5.0000000000000003E-2')).toBe('0.05');
    expect(numberText('1.2345678901234567E19')).toBe('12345678901234567000');
    expect(numberText('1.0')).toBe('1');
    expect(numberText('007')).toBe('7');
    expect(numberText('#N/A')).toBe('#N/A');
  });

  it('count days as spreadsheets do', () => {
    const date = { hasDate: true, hasTime: false };
    expect(dateText('1', date, false)).toBe('1900-01-01');
    expect(dateText('60', date, false)).toBe('1900-02-29');
    expect(dateText('61', date, false)).toBe('1900-03-01');
    expect(dateText('2958465', date, false)).toBe('9999-12-31');
    expect(dateText('2958466', date, false)).toBe('2958466');
    expect(dateText('-1', date, false)).toBe('-1');
    expect(dateText('1.5', { hasDate: false, hasTime: true }, false)).toBe('36:00:00');
    fc.assert(
      fc.property(fc.integer({ min: 61, max: 2_958_465 }), (days) => {
        expect(Date.parse(dateText(String(days), date, false)) / 86_400_000).toBe(days - 25_569);
      }),
    );
  });

  it('are dates by their format', () => {
    expect(dateFormatOf('yyyy-mm-dd')).toEqual({ hasDate: true, hasTime: false });
    expect(dateFormatOf('[h]:mm')).toEqual({ hasDate: false, hasTime: true });
    expect(dateFormatOf('[$-407]d. mmm')).toEqual({ hasDate: true, hasTime: false });
    for (const code of ['General', '0.00', '#,##0', '"days" 0', '[Red]0', '@', '0.00E+00']) {
      expect(dateFormatOf(code)).toBeUndefined();
    }
  });

  it('are in columns of letters', () => {
    expect(['A1', 'Z9', 'AA1', 'XFD1', '$B$2', 'a1', '1', ''].map(columnIn)).toEqual([
      0,
      25,
      26,
      16383,
      1,
      0,
      undefined,
      undefined,
    ]);
  });
});
