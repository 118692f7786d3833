/**
 * Reads the header of a GGUF file from its start on, through a window, so that only what is kept takes memory. Every
 * length is compared with the rest of the file before anything of that length is read or made.
 */
import { LabError } from '../common/errors.ts';
import type { ByteSource } from './byte-source.ts';

/** The most bytes of metadata and names; those of a vocabulary of 256k tokens with merges take less than a third. */
const MOST_HEADER_BYTES = 64 * 2 ** 20;
const WINDOW_BYTES = 2 ** 20;
const FIX = 'Download the file again; it is damaged or not a GGUF file.';

/** A violation of the format. @param at - the position in the file, in bytes */
export function badGguf(problem: string, expected: string, got: string, at?: number): LabError {
  const where = at === undefined ? '' : ` at byte ${at}`;
  return new LabError('bad-file', { message: `The GGUF file cannot be read: ${problem}${where}.`, expected, got, fix: FIX }); // prettier-ignore
}

/** A position in the header of a file. Call {@link need} before the synchronous readers. */
export class GgufCursor {
  readonly #source: ByteSource;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #window = new Uint8Array();
  #view = new DataView(this.#window.buffer);
  /** The position of the window in the file. */
  #first = 0;
  /** The position in the window. */
  #at = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Bytes before the cursor. */
  get position(): number {
    return this.#first + this.#at;
  }

  /** The bytes that the rest of the header can have at most. */
  get rest(): number {
    return Math.min(this.#source.sizeBytes, MOST_HEADER_BYTES) - this.position;
  }

  /** Whether the window has the next bytes; if not, {@link need} reads them. */
  has(bytes: number): boolean {
    return this.#at + bytes <= this.#window.length;
  }

  /**
   * Makes the next bytes available.
   *
   * @param place - what they belong to, for errors
   * @throws {LabError} `bad-file` if the file ends before, or its header is longer than any real one
   */
  async need(bytes: number, place: string): Promise<void> {
    if (this.has(bytes)) return;
    const { position, rest } = this;
    if (bytes > rest) throw badGguf(`${place} is longer than the rest`, `at most ${rest} bytes`, `${bytes}`, position);
    const end = Math.min(this.#source.sizeBytes, position + Math.max(bytes, WINDOW_BYTES));
    const window = await this.#source.read(position, end);
    if (window.length < end - position) {
      throw badGguf(`${place} could not be read`, `${end - position} bytes`, `${window.length}`, position);
    }
    this.#window = window;
    this.#view = new DataView(window.buffer, window.byteOffset, window.byteLength);
    this.#first = position;
    this.#at = 0;
  }

  u8(): number {
    return this.#view.getUint8(this.#step(1));
  }

  i8(): number {
    return this.#view.getInt8(this.#step(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2), true);
  }

  i16(): number {
    return this.#view.getInt16(this.#step(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#step(4), true);
  }

  f32(): number {
    return this.#view.getFloat32(this.#step(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#step(8), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#step(8), true);
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#step(8), true);
  }

  /** A count; beyond 2^53 it is rounded, which no comparison with a limit notices. */
  count(): number {
    return Number(this.u64());
  }

  /** A copy of the next bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const start = this.#step(length);
    return this.#window.slice(start, start + length);
  }

  /**
   * A length and a text.
   *
   * @throws {LabError} `bad-file` if it is too long or not UTF-8
   */
  async text(place: string, most = Infinity): Promise<string> {
    if (!this.has(8)) await this.need(8, place);
    const length = this.count();
    if (length > most) throw badGguf(`${place} is too long`, `at most ${most} bytes`, `${length}`, this.position);
    if (!this.has(length)) await this.need(length, place);
    const start = this.#step(length);
    try {
      return this.#utf8.decode(this.#window.subarray(start, start + length));
    } catch {
      throw badGguf(`${place} is not a text`, 'UTF-8', 'other bytes', this.#first + start);
    }
  }

  #step(bytes: number): number {
    const start = this.#at;
    this.#at += bytes;
    return start;
  }
}
