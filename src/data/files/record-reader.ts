/** The records of a file, whatever its format: told by the file's name where that decides, else by how it begins. */
import { readDelimited } from './delimited-records.ts';
import { readJsonArray, readJsonLines } from './json-records.ts';
import type { FileFormat, RecordBatch } from './records.ts';
import { readText, type TextOptions } from './text-stream.ts';

export interface RecordOptions extends TextOptions {
  /** Default: told by the name and the beginning of the file. */
  readonly format?: FileFormat | undefined;
}

/**
 * Reads a file in batches of records; see {@link FileRecord} for the numbering.
 *
 * @param checkHeader - gets the column names of a CSV or TSV file before its first record, and may throw.
 * @throws {LabError} `bad-file` if the file as a whole cannot be read; `aborted` on request.
 */
export async function* readRecords(
  source: AsyncIterable<Uint8Array>,
  options: RecordOptions,
  checkHeader: (names: readonly string[]) => void = () => undefined,
): AsyncGenerator<RecordBatch> {
  const { fileName } = options;
  const chunks = readText(source, options);
  const head = await readHead(chunks);
  const text = join(head, chunks);
  const format = options.format ?? detectFormat(fileName, head.at(-1) ?? '');
  switch (format) {
    case 'csv':
      yield* readDelimited(text, { fileName, checkHeader });
      break;
    case 'tsv':
      yield* readDelimited(text, { fileName, checkHeader, delimiter: '\t' });
      break;
    case 'jsonl':
      yield* readJsonLines(text, fileName);
      break;
    case 'json':
      yield* readJsonArray(text, fileName);
      break;
    default:
      format satisfies never;
  }
}

/** The format of a file by its name, and by its first characters where the name leaves it open (`.json`, `.txt`, none). */
export function detectFormat(fileName: string, head: string): FileFormat {
  const [, extension] = /\.(\w+?)(\.gz)?$/i.exec(fileName.toLowerCase()) ?? [];
  if (extension === 'csv' || extension === 'tsv' || extension === 'jsonl') return extension;
  if (extension === 'ndjson') return 'jsonl';
  const first = head.trimStart().charAt(0);
  if (first === '[') return 'json';
  return first === '{' ? 'jsonl' : 'csv';
}

/** The chunks up to and with the first that is not blank. They stay apart, because blank ones can be very many. */
async function readHead(chunks: AsyncGenerator<string>): Promise<string[]> {
  const head: string[] = [];
  while ((head.at(-1) ?? '').trim() === '') {
    const next = await chunks.next();
    if (next.done === true) break;
    head.push(next.value);
  }
  return head;
}

async function* join(head: readonly string[], rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield* head;
  yield* rest;
}
