/**
 * Files as they are given: dropped on the page, named on the command line, or members of an archive. This room reads
 * kinds of files that are no text, which are archives, workbooks and Parquet; what it gives are the same records that
 * text files give.
 */
import { blobSource, type ByteSource } from '../../checkpoint/byte-source.ts';

/** The most bytes that are read at a time. */
const PIECE_BYTES = 2 ** 20;

/** A file from any source. */
export interface GivenFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Its bytes from the start; called more than once. */
  readonly open: () => AsyncIterable<Uint8Array>;
  /** Its bytes at any place. */
  readonly bytes: () => Promise<ByteSource>;
}

/** A file of the browser. */
export function givenBlob(name: string, blob: Blob): GivenFile {
  return givenSource(name, blobSource(blob));
}

/** A file by its bytes at any place. */
export function givenSource(name: string, source: ByteSource): GivenFile {
  const { sizeBytes } = source;
  return { name, sizeBytes, open: () => piecesOf(source), bytes: () => Promise.resolve(source) };
}

/** The bytes of a source from the start, in pieces. */
async function* piecesOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.sizeBytes; at += PIECE_BYTES) {
    yield await source.read(at, Math.min(at + PIECE_BYTES, source.sizeBytes));
  }
}

/** The first bytes of a file, fewer if it is shorter. */
export async function headOf(file: GivenFile, length: number): Promise<Uint8Array> {
  const head = new Uint8Array(length);
  let at = 0;
  for await (const chunk of file.open()) {
    const piece = chunk.subarray(0, length - at);
    head.set(piece, at);
    at += piece.length;
    if (at === length) break;
  }
  return head.subarray(0, at);
}
