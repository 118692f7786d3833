/**
 * Reads JSON files as streams: one object per line (JSONL), or the items of one array. The array is split into items by
 * counting brackets outside strings; each item is then parsed separately, so that a broken item costs one row and a
 * file of any length needs the memory of one item.
 */
import { MAX_DEPTH, NestedTooDeeply, parseExactJson } from './json-text.ts';
import {
  badFile,
  isRowError,
  MAX_ROW_LENGTH,
  showValue,
  type FileRecord,
  type RecordBatch,
  type RowError,
} from './records.ts';

/**
 * The records of a JSONL file. Empty lines are counted and skipped.
 *
 * @throws {LabError} `bad-file` if it is one JSON object over several lines
 */
export async function* readJsonLines(text: AsyncIterable<string>, fileName: string): AsyncGenerator<RecordBatch> {
  const lines = new LineReader(fileName);
  for await (const chunk of text) yield lines.push(chunk);
  yield lines.end();
}

/** Converts streamed lines to records. */
class LineReader {
  readonly #fileName: string;
  #row = 0;
  #rest = '';
  #isTooLong = false;
  /** The first non-empty line, if it is not valid JSON by itself, until the next line shows why. */
  #opening: string | undefined;
  #isFirst = true;

  constructor(fileName: string) {
    this.#fileName = fileName;
  }

  push(chunk: string): RecordBatch {
    const text = this.#rest + chunk;
    const batch: (FileRecord | RowError)[] = [];
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      batch.push(...this.#take(text.slice(from, end)));
      from = end + 1;
    }
    this.#rest = text.slice(from);
    // A line beyond the limit is discarded; only its existence is kept.
    if (this.#rest.length > MAX_ROW_LENGTH) {
      this.#isTooLong = true;
      this.#rest = '';
    }
    return batch;
  }

  end(): RecordBatch {
    return this.#rest !== '' || this.#isTooLong ? this.#take(this.#rest) : [];
  }

  #take(line: string): (FileRecord | RowError)[] {
    this.#row += 1;
    const isTooLong = this.#isTooLong || line.length > MAX_ROW_LENGTH;
    this.#isTooLong = false;
    if (isTooLong) return [lineTooLong(this.#row)];
    const json = line.trim(); // also removes a byte order mark
    if (json === '') return [];
    if (this.#opening !== undefined && !json.startsWith('{')) throw this.#oneObject(this.#opening);
    this.#opening = undefined;
    const record = parseRecord(json, this.#row);
    if (this.#isFirst && isRowError(record) && json.startsWith('{')) this.#opening = json;
    this.#isFirst = false;
    return [record];
  }

  #oneObject(got: string): Error {
    return badFile(this.#fileName, {
      problem: 'it is one JSON object over several lines, not a list of pairs',
      expected: 'one JSON object per line, or one array of objects',
      got: showValue(got),
      fix: 'Write each pair as an object on a separate line, with query, title and grade.',
    });
  }
}

function lineTooLong(row: number): RowError {
  const expected = `at most ${MAX_ROW_LENGTH} characters`;
  return { row, column: '', problem: 'the line is too long', expected, got: 'more' };
}

/**
 * The records of a file with one JSON array.
 *
 * @throws {LabError} `bad-file` if the array does not end, or something follows it.
 */
export async function* readJsonArray(text: AsyncIterable<string>, fileName: string): AsyncGenerator<RecordBatch> {
  const splitter = new ArraySplitter(fileName);
  let row = 0;
  for await (const chunk of text) {
    yield splitter.push(chunk).map((item) => {
      row += 1;
      return parseRecord(item, row);
    });
  }
  splitter.end();
}

function parseRecord(json: string, row: number): FileRecord | RowError {
  // Without an exception, because a line of commas is a million items, and each of those takes a stack.
  if (json.trim() === '') {
    return { row, column: '', problem: 'it is not JSON', expected: 'a JSON object', got: 'nothing' };
  }
  let value: unknown;
  try {
    value = parseExactJson(json);
  } catch (error) {
    if (error instanceof NestedTooDeeply) {
      const expected = `at most ${MAX_DEPTH} lists and objects in each other`;
      return { row, column: '', problem: 'it is nested too deeply', expected, got: 'more' };
    }
    const got = error instanceof Error ? `${showValue(json)} (${error.message})` : showValue(json);
    return { row, column: '', problem: 'it is not JSON', expected: 'a JSON object', got };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { row, column: '', problem: 'it is not an object', expected: 'a JSON object', got: showValue(value) };
  }
  return { row, fields: new Map(Object.entries(value)) };
}

/** Splits the text of a JSON array into the texts of its items. */
class ArraySplitter {
  readonly #fileName: string;
  #place: 'before' | 'inside' | 'after' = 'before';
  /** Open brackets in the current item. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  #item = '';
  #items = 0;

  constructor(fileName: string) {
    this.#fileName = fileName;
  }

  /** The items that this chunk completes. */
  push(chunk: string): string[] {
    const items: string[] = [];
    let from = 0;
    const endItem = (at: number): void => {
      items.push(this.#item + chunk.slice(from, at));
      this.#items += 1;
      this.#item = '';
    };
    for (let at = 0; at < chunk.length; at++) {
      const character = chunk.charAt(at);
      if (this.#place !== 'inside') {
        if (character.trim() !== '') this.#open(character);
        from = at + 1;
      } else if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (character === '\\') this.#escaped = true;
        else if (character === '"') this.#inString = false;
      } else if (character === '"') {
        this.#inString = true;
      } else if (character === '[' || character === '{') {
        this.#depth += 1;
      } else if (this.#depth > 0) {
        if (character === ']' || character === '}') this.#depth -= 1;
      } else if (character === ',') {
        endItem(at);
        from = at + 1;
      } else if (character === ']') {
        // "[]" has no item; "[1,]" has a second one, which is not JSON.
        const isEmpty = this.#items === 0 && (this.#item + chunk.slice(from, at)).trim() === '';
        if (!isEmpty) endItem(at);
        from = at + 1;
        this.#item = '';
        this.#place = 'after';
      }
    }
    this.#item += chunk.slice(from);
    if (this.#item.length > MAX_ROW_LENGTH) {
      throw this.#broken(`item ${this.#items + 1} is too long`, `at most ${MAX_ROW_LENGTH} characters`, this.#item);
    }
    return items;
  }

  /** Call when there is no more text. */
  end(): void {
    if (this.#place !== 'after') throw this.#broken('the array does not end', 'a "]" at the end', this.#item);
  }

  #open(character: string): void {
    if (this.#place === 'after') throw this.#broken('something follows the array', 'one JSON array', character);
    if (character !== '[') throw this.#broken('it is not an array', 'a "[" first', character);
    this.#place = 'inside';
  }

  #broken(problem: string, expected: string, got: string): Error {
    const fix = 'Write one JSON object per line (JSONL) instead.';
    return badFile(this.#fileName, { problem, expected, got: showValue(got.slice(0, 60)), fix });
  }
}
