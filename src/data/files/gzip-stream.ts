/**
 * Streaming gzip decompression (RFC 1952): any number of members, and trailing zeros, as on tapes and disk images. The
 * sizes and checksums of all members are verified, so that a damaged or truncated file is an error and never a shorter
 * file.
 */
import { Z_NO_FLUSH, Z_OK, Z_BUF_ERROR, Z_STREAM_END, zlibInflate, zlibInflateInit2, ZStream } from 'pako';

/** Output comes in pieces of this size, so that a caller with a limit can stop a decompression bomb early. */
const PIECE_BYTES = 2 ** 16;
/** The largest window plus gzip framing, in zlib's encoding. */
const GZIP_WINDOW_BITS = 15 + 16;

/** A gzip file that is damaged, incomplete, or followed by something else; the message says which. */
export class DamagedGzip extends Error {}

/** Whether bytes start like a gzip file; a single matching byte is a truncated gzip file. */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && (head.length === 1 || head[1] === 0x8b);
}

/**
 * Decompresses a gzip file.
 *
 * @throws {DamagedGzip}
 */
export async function* gunzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let member: ZStream | undefined = newMember();
  let isPadding = false;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      if (isPadding || (member === undefined && chunk[at] === 0)) {
        // No member can follow the padding.
        if (chunk.subarray(at).some((byte) => byte !== 0)) throw new DamagedGzip('something else after the data');
        isPadding = true;
        break;
      }
      member ??= newMember();
      const { isEnd, used } = yield* inflate(member, chunk.subarray(at));
      at += used;
      if (isEnd) member = undefined;
    }
  }
  if (member !== undefined) throw new DamagedGzip('unexpected end of file');
}

function newMember(): ZStream {
  const stream = new ZStream();
  zlibInflateInit2(stream, GZIP_WINDOW_BITS);
  return stream;
}

/** Decompresses the input's part of a deflate stream. @throws {DamagedGzip} */
export function* inflate(stream: ZStream, input: Uint8Array): Generator<Uint8Array, { isEnd: boolean; used: number }> {
  stream.input = input;
  stream.next_in = 0;
  stream.avail_in = input.length;
  for (;;) {
    stream.output = new Uint8Array(PIECE_BYTES);
    stream.next_out = 0;
    stream.avail_out = PIECE_BYTES;
    const status = zlibInflate(stream, Z_NO_FLUSH);
    // "Buffer error" only means that more input is needed.
    if (status !== Z_OK && status !== Z_STREAM_END && status !== Z_BUF_ERROR) throw new DamagedGzip(stream.msg);
    if (stream.next_out > 0) yield stream.output.subarray(0, stream.next_out);
    const isEnd = status === Z_STREAM_END;
    if (isEnd || (stream.avail_in === 0 && stream.avail_out > 0)) return { isEnd, used: stream.next_in };
  }
}
