/**
 * One checkpoint in one file, to be kept elsewhere or carried to another browser:
 *
 *      0  8 bytes  "AFRLCKPT"
 *      8  u32      version of this format, 1; integers are little-endian
 *     12  u32      H, bytes of the header
 *     16  64 bytes SHA-256 of the header as hexadecimal digits
 *     80  H bytes  the manifest (manifest.ts) as JSON in UTF-8
 *   80+H           the payload: the manifest's chunks one after the other, each with its size and SHA-256 in the manifest
 *
 * The file ends with the payload. Every size is checked against the file's before anything of that size is allocated, and
 * every byte is covered by a hash, by the file's size or by a constant.
 */
import { LabError } from '../common/errors.ts';
import { blobSource, type ByteSource, planChunks } from './byte-source.ts';
import { type CheckpointInfo, type ChunkInfo, type Manifest, newId, readManifest } from './manifest.ts';
import { sha256Hex } from './sha256.ts';

const MAGIC = 'AFRLCKPT';
const FORMAT_VERSION = 1;
const PREFIX_BYTES = 80;
const HASH_AT = 16;
/** A manifest of the largest checkpoint with the largest config stays below this. */
const MAX_HEADER_BYTES = 16 * 2 ** 20;
/** How the name of a checkpoint file ends. */
export const EXTENSION = '.afrl-checkpoint';

/** A file taken apart; its payload has not been read yet. */
export interface CheckpointFile {
  readonly manifest: Manifest;
  readonly payload: ByteSource;
}

/** The file name to suggest for a checkpoint: its name with everything but letters, digits, `.`, `-` and `_` replaced. */
export function checkpointFileName({ name, step }: Manifest): string {
  const plain = name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^[.-]+|[.-]+$/gu, '');
  return (plain === '' ? `step-${step}` : plain) + EXTENSION;
}

/** All of a file that comes before the payload. */
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

/** A new checkpoint as the parts of its file, one after the other. @param createdAt - milliseconds since 1970 */
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
 * The whole payload of a file, every chunk checked.
 *
 * @throws {LabError} `bad-file` at a chunk that is not what the manifest says
 */
export async function readPayload({ manifest, payload }: CheckpointFile): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(manifest.sizeBytes);
  let atByte = 0;
  for (const [index, { sizeBytes, sha256 }] of manifest.chunks.entries()) {
    const bytes = await payload.read(atByte, atByte + sizeBytes);
    const hash = await sha256Hex(bytes);
    if (hash !== sha256) {
      throw damaged(`chunk ${index + 1} of ${manifest.chunks.length} was changed`, `SHA-256 ${sha256}`, hash);
    }
    whole.set(bytes, atByte);
    atByte += sizeBytes;
  }
  return whole;
}

/**
 * Takes a file apart. The payload's chunks are not checked here but as they are read.
 *
 * @throws {LabError} `bad-file` if it is not a whole file of this format and version
 */
export async function readCheckpointFile(file: Blob): Promise<CheckpointFile> {
  const source = blobSource(file);
  if (source.sizeBytes < PREFIX_BYTES) {
    throw damaged('it is too short', `at least ${PREFIX_BYTES} bytes`, String(source.sizeBytes));
  }
  const prefix = await source.read(0, PREFIX_BYTES);
  const view = new DataView(prefix.buffer);
  const magic = asciiOf(prefix.subarray(0, MAGIC.length));
  if (magic !== MAGIC) throw damaged('it is another kind of file', `"${MAGIC}" at its start`, JSON.stringify(magic));
  const version = view.getUint32(8, true);
  if (version !== FORMAT_VERSION) throw wrongVersion(version);

  const headerBytes = view.getUint32(12, true);
  const most = Math.min(MAX_HEADER_BYTES, source.sizeBytes - PREFIX_BYTES);
  if (headerBytes > most) throw damaged('its header is too long', `at most ${most} bytes`, String(headerBytes));
  const header = await source.read(PREFIX_BYTES, PREFIX_BYTES + headerBytes);
  const expected = asciiOf(prefix.subarray(HASH_AT));
  const hash = await sha256Hex(header);
  if (hash !== expected) throw damaged('its header was changed', `SHA-256 ${hash}`, JSON.stringify(expected));

  const manifest = readManifest(parseJson(header));
  if (typeof manifest === 'string') throw damaged('its header is not a manifest', 'a manifest', manifest);
  const payload = blobSource(file, PREFIX_BYTES + headerBytes);
  if (payload.sizeBytes !== manifest.sizeBytes) {
    throw damaged('its length is wrong', `${manifest.sizeBytes} bytes of payload`, String(payload.sizeBytes));
  }
  return { manifest, payload };
}

/** A damaged file, as an error. */
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
