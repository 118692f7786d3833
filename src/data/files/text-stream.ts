/**
 * Decodes the bytes of a text file as a stream. Compression is recognised by the first bytes, not by the file name; a
 * byte order mark decides between UTF-8 and UTF-16. Invalid text is an error, because guessing an encoding would
 * silently corrupt the corpus.
 */
import { throwIfAborted } from '../../common/errors.ts';
import { DamagedGzip, gunzip, isGzip } from './gzip-stream.ts';
import { badFile } from './records.ts';

export interface TextOptions {
  /** The name of the file in errors. */
  readonly fileName: string;
  readonly signal?: AbortSignal | undefined;
  /**
   * The most bytes of text, uncompressed. Default 1 GiB; a limit is needed because a small gzip file can expand a
   * thousandfold.
   */
  readonly maxTextBytes?: number | undefined;
}

const DEFAULT_MAX_TEXT_BYTES = 2 ** 30;
const DECODE_BYTES = 2 ** 18;
/** The bytes needed to recognise a file type. */
const HEAD_BYTES = 4;

/** The encodings that are recognised by their byte order mark. */
const MARKS: readonly { readonly mark: readonly number[]; readonly encoding: string }[] = [
  { mark: [0xff, 0xfe], encoding: 'utf-16le' },
  { mark: [0xfe, 0xff], encoding: 'utf-16be' },
];

/** Other file types that people choose by mistake, by their first bytes. */
const FOREIGN: readonly { readonly magic: readonly number[]; readonly name: string }[] = [
  { magic: [0x50, 0x4b, 0x03, 0x04], name: 'a zip archive or an Excel workbook' },
  { magic: [0x50, 0x41, 0x52, 0x31], name: 'a Parquet file' },
  { magic: [0xd0, 0xcf, 0x11, 0xe0], name: 'an old Excel workbook' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], name: 'a zstd archive' },
];

/** The chunks of a stream, such as `blob.stream()`; not every browser can iterate over streams. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    // Releases the file if the consumer stops early.
    await reader.cancel();
  }
}

/**
 * The text of a file, in chunks.
 *
 * @throws {LabError} `bad-file` if it is not text, damaged or too large; `aborted` on request.
 */
export async function* readText(source: AsyncIterable<Uint8Array>, options: TextOptions): AsyncGenerator<string> {
  const { fileName, signal } = options;
  let decoder: TextDecoder | undefined;
  for await (const chunk of withHead(limited(inflated(withHead(source), options), options))) {
    throwIfAborted(signal);
    decoder ??= decoderFor(chunk, fileName);
    for (let at = 0; at < chunk.length; at += DECODE_BYTES) {
      const text = decode(decoder, chunk.subarray(at, at + DECODE_BYTES), fileName);
      if (text !== '') yield text;
    }
  }
  if (decoder === undefined)
    throw badFile(fileName, { problem: 'it is empty', expected: 'rows', got: '0 bytes', fix: 'Choose another file.' });
  const rest = decode(decoder, undefined, fileName);
  if (rest !== '') yield rest;
}

// Joins the first chunks until the head is in one piece.
async function* withHead(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | undefined = new Uint8Array();
  for await (const chunk of source) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    const longer: Uint8Array = new Uint8Array(head.length + chunk.length);
    longer.set(head);
    longer.set(chunk, head.length);
    head = longer;
    if (head.length < HEAD_BYTES) continue;
    yield head;
    head = undefined;
  }
  if (head !== undefined && head.length > 0) yield head;
}

// Decompresses the source if its first bytes are those of gzip.
async function* inflated(source: AsyncIterable<Uint8Array>, { fileName }: TextOptions): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) return;
  const whole = startingWith(first.value, chunks);
  if (!isGzip(first.value)) {
    yield* whole;
    return;
  }
  try {
    yield* gunzip(whole);
  } catch (cause) {
    if (!(cause instanceof DamagedGzip)) throw cause;
    throw badFile(fileName, {
      problem: 'it cannot be unpacked',
      expected: 'a complete gzip file',
      got: cause.message,
      fix: 'Save or download it again.',
      cause,
    });
  }
}

async function* startingWith(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* { [Symbol.asyncIterator]: () => rest };
}

async function* limited(
  source: AsyncIterable<Uint8Array>,
  { fileName, maxTextBytes = DEFAULT_MAX_TEXT_BYTES }: TextOptions,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of source) {
    total += chunk.length;
    if (total > maxTextBytes) {
      throw badFile(fileName, {
        problem: 'it is too large',
        expected: `at most ${maxTextBytes} bytes of text`,
        got: 'more',
        fix: 'Split the file.',
      });
    }
    yield chunk;
  }
}

function decoderFor(head: Uint8Array, fileName: string): TextDecoder {
  const startsWith = (magic: readonly number[]): boolean => magic.every((byte, i) => head[i] === byte);
  const foreign = FOREIGN.find(({ magic }) => startsWith(magic));
  if (foreign !== undefined) throw notText(fileName, foreign.name);
  // TextDecoder removes the mark from the text.
  return new TextDecoder(MARKS.find(({ mark }) => startsWith(mark))?.encoding ?? 'utf-8', { fatal: true });
}

function decode(decoder: TextDecoder, bytes: Uint8Array | undefined, fileName: string): string {
  let text: string;
  try {
    text = bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
  } catch (cause) {
    throw notText(fileName, `bytes that are not ${decoder.encoding.toUpperCase()}`, cause);
  }
  if (text.includes('\0')) throw notText(fileName, 'a zero byte');
  return text;
}

function notText(fileName: string, got: string, cause?: unknown): Error {
  return badFile(fileName, {
    problem: 'it is not readable as text',
    expected: 'UTF-8, or UTF-16 with a byte order mark, plain or gzipped',
    got,
    fix: 'Export it as "CSV UTF-8", TSV or JSON lines.',
    cause,
  });
}
