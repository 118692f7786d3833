/**
 * Bytes that are read in pieces, so that a checkpoint can be saved or imported without a second copy in memory. The
 * source is an array, a part of a file, or anything else that can return a range.
 */
import { LabError, messageOf } from '../common/errors.ts';
import { CHUNK_BYTES, type PlannedChunk } from './manifest.ts';

/** Bytes of a known length. They must not change while they are read. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** A copy of the bytes from `start` (inclusive) to `end` (exclusive), owned by the caller. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** The bytes of an array. */
export function arraySource(bytes: Uint8Array<ArrayBuffer>): ByteSource {
  return {
    sizeBytes: bytes.length,
    read: (start, end) => Promise.resolve(bytes.slice(start, end)),
  };
}

/**
 * The bytes of a file from `offset` on. Reading throws a LabError `bad-file` if the file has been changed or removed
 * since it was chosen.
 */
export function blobSource(blob: Blob, offset = 0): ByteSource {
  return {
    sizeBytes: blob.size - offset,
    read: async (start, end) => {
      try {
        return new Uint8Array(await blob.slice(offset + start, offset + end).arrayBuffer());
      } catch (cause) {
        throw new LabError('bad-file', {
          message: `The file could not be read: ${messageOf(cause)}.`,
          fix: 'Choose the file again; it was moved, changed or removed.',
          cause,
        });
      }
    },
  };
}

/** Splits a payload into full chunks and the remainder. */
export function planChunks(totalBytes: number): PlannedChunk[] {
  const chunks = Array.from({ length: Math.floor(totalBytes / CHUNK_BYTES) }, () => ({ sizeBytes: CHUNK_BYTES }));
  const rest = totalBytes % CHUNK_BYTES;
  return rest === 0 ? chunks : [...chunks, { sizeBytes: rest }];
}
