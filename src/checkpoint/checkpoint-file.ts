/**
 * The file format of one checkpoint, for backups and transfer to another browser:
 *
 *      0  8 bytes  "AFRLCKPT"
 *      8  u32      version of this format, 1; integers are little-endian
 *     12  u32      H, bytes of the header
 *     16  64 bytes SHA-256 of the header as hexadecimal digits
 *     80  H bytes  the manifest (manifest.ts) as JSON in UTF-8
 *   80+H           the payload: the chunks in order; the manifest has the size and SHA-256 of each
 *
 * The file ends with the payload. Every size is checked against that of the file before anything of that size is
 * allocated, and every byte is covered by a hash, by the file size or by a constant.
 */
import { LabError } from '../common/errors.ts';
import { blobSource, type ByteSource, planChunks } from './byte-source.ts';
import { type CheckpointInfo, type ChunkInfo, type Manifest, newId, readManifest } from './manifest.ts';
import { sha256Hex } from './sha256.ts';

const MAGIC = 'AFRLCKPT';
const FORMAT_VERSION = 1;
const PREFIX_BYTES = 80;
const HASH_AT = 16;
/** Larger than the manifest of the largest checkpoint with the largest config. */
const MAX_HEADER_BYTES = 16 * 2 ** 20;
/** The extension of checkpoint files. */
export const EXTENSION = '.afrl-checkpoint';

/** A parsed file, whose payload has not been read yet. */
export interface CheckpointFile {
  readonly manifest: Manifest;
  readonly payload: ByteSource;
}

/** The suggested file name: the checkpoint's name with all but letters, digits, `.`, `-` and `_` replaced. */
export function checkpointFileName({ name, step }: Manifest): string {
  const plain = name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^[.-]+|[.-]+$/gu, '');
  return (plain === '' ? `step-${step}` : plain) + EXTENSION;
}

/** The part of a file that precedes the payload. */
export async function writeFileHead(manifest: Manifest): Promise<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const header = encoder.encode(JSON.stringify(manifest));
  const head = new Uint8Array(PREFIX_BYTES + header.length);
  const view = new DataView(head.buffer);
  head.set(encoder.encode(MAGIC));
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, header.length, true);
  head.set(encoder.encode(await sha256Hex(header)), HASH_AT);
  head.set(header, PREFIX_BYTES);
  return head;
}

/** A new checkpoint as the consecutive parts of its file. @param createdAt - milliseconds since 1970 */
export async function packCheckpoint(
  info: CheckpointInfo,
  payload: Uint8Array<ArrayBuffer>,
  createdAt: number,
): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  const chunks: ChunkInfo[] = [];
  let atByte = 0;
  for (const { sizeBytes } of planChunks(payload.length)) {
    chunks.push({ sizeBytes, sha256: await sha256Hex(payload.subarray(atByte, atByte + sizeBytes)) });
    atByte += sizeBytes;
  }
  return [await writeFileHead({ ...info, id: newId(), createdAt, sizeBytes: payload.length, chunks }), payload];
}

/**
 * Reads the whole payload of a file and checks every chunk.
 *
 * @throws {LabError} `bad-file` if a chunk does not match the manifest
 */
export async function readPayload({ manifest, payload }: CheckpointFile): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(manifest.sizeBytes);
  let atByte = 0;
  for (const [index, { sizeBytes, sha256 }] of manifest.chunks.entries()) {
    const bytes = await payload.read(atByte, atByte + sizeBytes);
    const hash = await sha256Hex(bytes);
    if (hash !== sha256) {
      throw damaged(`chunk ${index + 1} of ${manifest.chunks.length} has changed`, `SHA-256 ${sha256}`, hash);
    }
    whole.set(bytes, atByte);
    atByte += sizeBytes;
  }
  return whole;
}

/**
 * Parses a file. The chunks of the payload are checked when they are read, not here.
 *
 * @throws {LabError} `bad-file` if it is not a complete file of this format and version
 */
export async function readCheckpointFile(file: Blob): Promise<CheckpointFile> {
  const source = blobSource(file);
  if (source.sizeBytes < PREFIX_BYTES) {
    throw damaged('it is too short', `at least ${PREFIX_BYTES} bytes`, String(source.sizeBytes));
  }
  const prefix = await source.read(0, PREFIX_BYTES);
  const view = new DataView(prefix.buffer);
  const magic = asciiOf(prefix.subarray(0, MAGIC.length));
  if (magic !== MAGIC) throw damaged('it is not a checkpoint file', `"${MAGIC}" at its start`, JSON.stringify(magic));
  const version = view.getUint32(8, true);
  if (version !== FORMAT_VERSION) throw wrongVersion(version);

  const headerBytes = view.getUint32(12, true);
  const most = Math.min(MAX_HEADER_BYTES, source.sizeBytes - PREFIX_BYTES);
  if (headerBytes > most) throw damaged('its header is too long', `at most ${most} bytes`, String(headerBytes));
  const header = await source.read(PREFIX_BYTES, PREFIX_BYTES + headerBytes);
  const expected = asciiOf(prefix.subarray(HASH_AT));
  const hash = await sha256Hex(header);
  if (hash !== expected) throw damaged('its header has changed', `SHA-256 ${hash}`, JSON.stringify(expected));

  const manifest = readManifest(parseJson(header));
  if (typeof manifest === 'string') throw damaged('its header is not a manifest', 'a manifest', manifest);
  const payload = blobSource(file, PREFIX_BYTES + headerBytes);
  if (payload.sizeBytes !== manifest.sizeBytes) {
    throw damaged('its length is wrong', `${manifest.sizeBytes} bytes of payload`, String(payload.sizeBytes));
  }
  return { manifest, payload };
}

/** The error for a damaged file. */
export function damaged(problem: string, expected: string, got: string): LabError {
  return new LabError('bad-file', {
    message: `The checkpoint file cannot be used: ${problem}.`,
    expected,
    got,
    fix: 'Export or copy the file again. Nothing was imported.',
  });
}

function wrongVersion(version: number): LabError {
  return new LabError('bad-file', {
    message: 'The checkpoint file was written in another version of the format.',
    expected: `version ${FORMAT_VERSION}`,
    got: String(version),
    fix: 'Reload the page to get the newest lab, and import again.',
  });
}

function asciiOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function parseJson(header: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header)) as unknown;
  } catch {
    return null; // the schema says what was expected
  }
}
