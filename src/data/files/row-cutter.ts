/**
 * Splits one row of a CSV or TSV file into cells (RFC 4180). A quote opens a cell only as its first character. If
 * quotes are broken, the row ends with its first line, so that an unclosed quote costs one row and not all that follow.
 * This is why the parser is here: libraries do not report where a broken row started.
 */

/** The row format of a file. */
export interface RowFormat {
  readonly delimiter: string;
  /** The end of a row; a "\r" before a "\n" belongs to it. */
  readonly newline: '\n' | '\r';
}

/** A parsed row. */
export interface CutRow {
  readonly cells: readonly string[];
  /** The problem with its quotes, if any; its cells are then meaningless. */
  readonly problem: string | undefined;
  /** The position where the next row starts. */
  readonly end: number;
}

/** Concatenated files have byte order marks between them. */
const MARK = '\ufeff';

/**
 * The row that starts at `from`.
 *
 * @param isLast - whether no more text follows
 * @param limit - the longest row; beyond it an open quote counts as broken
 * @returns undefined if the row may continue after the text
 */
export function cutRow(
  text: string,
  from: number,
  { delimiter, newline }: RowFormat,
  { isLast, limit }: { readonly isLast: boolean; readonly limit: number },
): CutRow | undefined {
  let at = from;
  while (text[at] === MARK) at += 1;
  const lineEnd = text.indexOf(newline, at);
  const line = lineOf(text, at, lineEnd, newline);
  const nextLine = lineEnd === -1 ? text.length : lineEnd + 1;
  const isTooLong = text.length - from > limit;
  if (lineEnd === -1 && isTooLong) return { cells: [], problem: 'it does not end', end: nextLine };
  if (lineEnd === -1 && !isLast) return undefined;
  if (!line.includes('"')) return { cells: line.split(delimiter), problem: undefined, end: nextLine };

  const broken = (problem: string): CutRow => ({ cells: [line], problem, end: nextLine });
  const cells: string[] = [];
  // The line at hand: found once for all of its cells, because a row may have a million.
  let [rest, restFrom, restEnd] = [line, at, lineEnd];
  for (;;) {
    if (text[at] !== '"') {
      if (restEnd !== -1 && at > restEnd) {
        [restFrom, restEnd] = [at, text.indexOf(newline, at)];
        rest = lineOf(text, at, restEnd, newline);
      }
      const place = rest.indexOf(delimiter, at - restFrom);
      if (place === -1) {
        if (restEnd === -1 && !isLast) return isTooLong ? broken('it does not end') : undefined;
        cells.push(rest.slice(at - restFrom));
        return { cells, problem: undefined, end: restEnd === -1 ? text.length : restEnd + 1 };
      }
      cells.push(rest.slice(at - restFrom, place));
      at = restFrom + place + delimiter.length;
      continue;
    }
    const close = closingQuote(text, at + 1);
    const isOpen = close === -1 || (close === text.length - 1 && !isLast);
    if (isOpen && !isLast && !isTooLong) return undefined;
    if (close === -1 || close - from > limit) return broken('a quote is not closed');
    cells.push(text.slice(at + 1, close).replaceAll('""', '"'));
    at = close + 1;
    while (text[at] === ' ') at += 1;
    if (text.startsWith(delimiter, at)) {
      at += delimiter.length;
      continue;
    }
    const end = newline === '\n' && text[at] === '\r' ? at + 1 : at;
    if (end >= text.length) return isLast ? { cells, problem: undefined, end: text.length } : undefined;
    if (text[end] !== newline) return broken('text follows a closing quote');
    return { cells, problem: undefined, end: end + 1 };
  }
}

/** The position of the quote that closes a cell, searched from after the opening one; -1 if there is none. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at !== -1 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

/** The text up to the end of its line, without a "\r" before the end. */
function lineOf(text: string, from: number, lineEnd: number, newline: RowFormat['newline']): string {
  const end = lineEnd === -1 ? text.length : lineEnd;
  return text.slice(from, newline === '\n' && end > from && text[end - 1] === '\r' ? end - 1 : end);
}
