/**
 * Zip archives (PKWARE APPNOTE 6.3.10), read by their central directory. Sizes are compared with each other before
 * anything is unpacked, unpacking ends where a member is longer than the directory says, and checksums are verified; so
 * a small archive cannot expand without bound, and a damaged one is an error and never a shorter file. Names of members
 * are shown and compared, and are never paths.
 */
import { zlibInflateInit2, ZStream } from 'pako';
import type { ByteSource } from '../../checkpoint/byte-source.ts';
import { DamagedGzip, inflate } from '../files/gzip-stream.ts';
import { badFile } from '../files/records.ts';
import { crc32 } from './crc32.ts';

/** A member of an archive. */
export interface ZipMember {
  readonly name: string;
  readonly sizeBytes: number;
  readonly packedBytes: number;
  readonly crc: number;
  readonly isDeflated: boolean;
  /** The place of its local header. */
  readonly offset: number;
}

/** The most members; data sets have a handful. */
const MAX_MEMBERS = 5000;
/** The most bytes of all members together, unpacked. */
const MAX_UNPACKED_BYTES = 2 ** 30;
const MAX_DIRECTORY_BYTES = 2 ** 24;
const READ_BYTES = 2 ** 18;
/** A window of 32 KiB without a frame, in zlib's encoding. */
const RAW_WINDOW_BITS = -15;

const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const END_MAGIC = 0x06054b50;
const LONG_END_LOCATOR_MAGIC = 0x07064b50;
const LONG_END_MAGIC = 0x06064b50;
const MEMBER_MAGIC = 0x02014b50;
const MEMBER_BYTES = 46;
const LOCAL_MAGIC = 0x04034b50;
const LOCAL_BYTES = 30;
const LONG = 0xffffffff;
const LONG_EXTRA = 0x0001;
const ENCRYPTED = 1;
const UTF8_NAME = 1 << 11;

/** Whether bytes start like a zip archive with members. */
export function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4;
}

/**
 * The files in an archive, in the order of its directory. Folders are left out.
 *
 * @throws {LabError} `bad-file` if it is damaged, encrypted or too large
 */
export async function readZip(source: ByteSource, fileName: string): Promise<readonly ZipMember[]> {
  const { count, start, size } = await findDirectory(source, fileName);
  if (count > MAX_MEMBERS || size > MAX_DIRECTORY_BYTES) {
    throw tooLarge(fileName, `at most ${MAX_MEMBERS} files in it`, `${count}`);
  }
  const view = await viewOf(source, start, start + size);
  const members: ZipMember[] = [];
  let at = 0;
  for (let number = 0; number < count; number++) {
    if (at + MEMBER_BYTES > size || view.getUint32(at, true) !== MEMBER_MAGIC) {
      throw damaged(fileName, `no member ${number + 1} of ${count} in its directory`);
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    const next = at + MEMBER_BYTES + (nameBytes ?? 0) + (extraBytes ?? 0) + (commentBytes ?? 0);
    if (next > size) throw damaged(fileName, 'a directory that is cut off');
    members.push(readMember(view, at, fileName));
    at = next;
  }
  checkSizes(members, start, fileName);
  return members.filter(({ name }) => !name.endsWith('/'));
}

/**
 * The contents of a member.
 *
 * @throws {LabError} `bad-file` if it is damaged, or not as long as the directory says
 */
export async function* unpackMember(
  source: ByteSource,
  member: ZipMember,
  fileName: string,
): AsyncGenerator<Uint8Array> {
  const { name, sizeBytes, offset, packedBytes, isDeflated } = member;
  const local = await viewOf(source, offset, Math.min(offset + LOCAL_BYTES, source.sizeBytes));
  if (local.byteLength < LOCAL_BYTES || local.getUint32(0, true) !== LOCAL_MAGIC) {
    throw damaged(fileName, `no member ${showName(name)} where its directory says`);
  }
  const start = offset + LOCAL_BYTES + local.getUint16(26, true) + local.getUint16(28, true);
  if (start + packedBytes > source.sizeBytes) throw damaged(fileName, `a member ${showName(name)} that is cut off`);
  const packed = rangeOf(source, start, start + packedBytes);
  let length = 0;
  let crc = 0;
  for await (const piece of isDeflated ? inflated(packed, name, fileName) : packed) {
    length += piece.length;
    if (length > sizeBytes) throw damaged(fileName, `more than ${sizeBytes} bytes in ${showName(name)}`);
    crc = crc32(piece, crc);
    yield piece;
  }
  if (length !== sizeBytes) throw damaged(fileName, `${length} of ${sizeBytes} bytes in ${showName(name)}`);
  if (crc !== member.crc) throw damaged(fileName, `a wrong checksum of ${showName(name)}`);
}

async function* inflated(
  packed: AsyncIterable<Uint8Array>,
  name: string,
  fileName: string,
): AsyncGenerator<Uint8Array> {
  const stream = new ZStream();
  zlibInflateInit2(stream, RAW_WINDOW_BITS);
  let isEnd = false;
  try {
    for await (const chunk of packed) {
      if (isEnd) throw new DamagedGzip('something after the data');
      const result = yield* inflate(stream, chunk);
      ({ isEnd } = result);
      if (isEnd && result.used < chunk.length) throw new DamagedGzip('something after the data');
    }
  } catch (cause) {
    if (!(cause instanceof DamagedGzip)) throw cause;
    throw damaged(fileName, `${cause.message} in ${showName(name)}`, cause);
  }
  if (!isEnd) throw damaged(fileName, `an end that is missing in ${showName(name)}`);
}

async function* rangeOf(source: ByteSource, from: number, to: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; at += READ_BYTES) yield await source.read(at, Math.min(at + READ_BYTES, to));
}

/** Where the directory is, by the record at the end of the file. */
async function findDirectory(
  source: ByteSource,
  fileName: string,
): Promise<{ readonly count: number; readonly start: number; readonly size: number }> {
  const tailStart = Math.max(0, source.sizeBytes - END_BYTES - MAX_COMMENT_BYTES);
  const tail = await viewOf(source, tailStart, source.sizeBytes);
  let at = tail.byteLength - END_BYTES;
  const isEnd = (): boolean =>
    tail.getUint32(at, true) === END_MAGIC && at + END_BYTES + tail.getUint16(at + 20, true) === tail.byteLength;
  while (at >= 0 && !isEnd()) at -= 1;
  if (at < 0) throw damaged(fileName, 'no directory at its end');
  let found = {
    count: tail.getUint16(at + 10, true),
    size: tail.getUint32(at + 12, true),
    start: tail.getUint32(at + 16, true),
  };
  if (found.count === 0xffff || found.size === LONG || found.start === LONG) {
    const locator = at - 20;
    if (locator < 0 || tail.getUint32(locator, true) !== LONG_END_LOCATOR_MAGIC) {
      throw damaged(fileName, 'no long directory');
    }
    const place = longAt(tail, locator + 8);
    if (!(place + 56 <= source.sizeBytes)) throw damaged(fileName, 'a long directory outside the file');
    const long = await viewOf(source, place, place + 56);
    if (long.getUint32(0, true) !== LONG_END_MAGIC) throw damaged(fileName, 'no long directory');
    found = { count: longAt(long, 32), size: longAt(long, 40), start: longAt(long, 48) };
  }
  if (found.start + found.size > source.sizeBytes) throw damaged(fileName, 'a directory outside the file');
  return found;
}

function readMember(view: DataView, at: number, fileName: string): ZipMember {
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const nameBytes = view.getUint16(at + 28, true);
  const nameAt = view.byteOffset + at + MEMBER_BYTES;
  const bytes = new Uint8Array(view.buffer, nameAt, nameBytes);
  // Names are only shown and compared, so those in an unknown old encoding need not be exact.
  const name = new TextDecoder((flags & UTF8_NAME) !== 0 || isAscii(bytes) ? 'utf-8' : 'latin1').decode(bytes);
  if ((flags & ENCRYPTED) !== 0) {
    throw badFile(fileName, {
      problem: `${showName(name)} in it is encrypted`,
      expected: 'an archive without a password',
      got: 'one with a password',
      fix: 'Unpack it first.',
    });
  }
  if (method !== 0 && method !== 8) {
    throw badFile(fileName, {
      problem: `${showName(name)} in it is packed in an unknown way`,
      expected: 'method 0 (stored) or 8 (deflate)',
      got: `method ${method}`,
      fix: 'Pack it again as an ordinary zip, or unpack it first.',
    });
  }
  let sizeBytes = view.getUint32(at + 24, true);
  let packedBytes = view.getUint32(at + 20, true);
  let offset = view.getUint32(at + 42, true);
  const extra = longExtra(view, at + MEMBER_BYTES + nameBytes, view.getUint16(at + 30, true));
  const take = (): number => extra?.shift() ?? Infinity;
  if (sizeBytes === LONG) sizeBytes = take();
  if (packedBytes === LONG) packedBytes = take();
  if (offset === LONG) offset = take();
  if (method === 0 && sizeBytes !== packedBytes) throw damaged(fileName, `two sizes of ${showName(name)}`);
  return { name, sizeBytes, packedBytes, crc: view.getUint32(at + 16, true), isDeflated: method === 8, offset };
}

/** The long numbers in the extra fields of a member. */
function longExtra(view: DataView, from: number, length: number): number[] | undefined {
  for (let at = from; at + 4 <= from + length;) {
    const size = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === LONG_EXTRA && at + 4 + size <= from + length) {
      return Array.from({ length: Math.floor(size / 8) }, (_, i) => longAt(view, at + 4 + 8 * i));
    }
    at += 4 + size;
  }
  return undefined;
}

/** Members that share bytes are how small archives expand without bound, so they are refused before any is unpacked. */
function checkSizes(members: readonly ZipMember[], directoryStart: number, fileName: string): void {
  const total = members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (!(total <= MAX_UNPACKED_BYTES)) {
    throw tooLarge(fileName, `at most ${MAX_UNPACKED_BYTES} bytes unpacked`, `${total}`);
  }
  const ordered = members.toSorted((a, b) => a.offset - b.offset);
  for (const [i, { name, offset, packedBytes }] of ordered.entries()) {
    const end = ordered[i + 1]?.offset ?? directoryStart;
    if (offset + LOCAL_BYTES + packedBytes > end) throw damaged(fileName, `${showName(name)} overlaps what follows it`);
  }
}

async function viewOf(source: ByteSource, from: number, to: number): Promise<DataView> {
  const bytes = await source.read(from, to);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A 64-bit number; those beyond 2^53 are beyond every limit too. */
function longAt(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

function showName(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

function tooLarge(fileName: string, expected: string, got: string): Error {
  return badFile(fileName, { problem: 'it is too large', expected, got, fix: 'Unpack it, and take what is needed.' });
}

function damaged(fileName: string, got: string, cause?: unknown): Error {
  return badFile(fileName, {
    problem: 'it cannot be unpacked',
    expected: 'a complete zip archive',
    got,
    fix: 'Save or download it again.',
    cause,
  });
}
