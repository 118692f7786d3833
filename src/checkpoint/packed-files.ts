/**
 * Several small and large files as one payload: a ZIP archive whose entries are stored uncompressed, because weights do not
 * compress. The same files give the same bytes at any time and place.
 */
import { unzipSync, zipSync } from 'fflate';
import { LabError, messageOf } from '../common/errors.ts';

/** The bytes of an archive. */
export function packFiles(files: Readonly<Record<string, Uint8Array>>): Uint8Array<ArrayBuffer> {
  // ZIP dates begin in 1980 and are in local time, so one date in local time is the same bytes everywhere.
  return zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) });
}

/**
 * The files of an archive that are wanted; entries of other names are not even unpacked.
 *
 * @throws {LabError} `bad-checkpoint` if it is no archive, lacks one of the files, or claims more than it holds
 */
export function unpackFiles<const Name extends string>(
  bytes: Uint8Array,
  names: readonly Name[],
): Record<Name, Uint8Array<ArrayBuffer>> {
  const wanted: ReadonlySet<string> = new Set(names);
  let totalBytes = 0;
  let found: Readonly<Record<string, Uint8Array>>;
  try {
    found = unzipSync(bytes, {
      filter: ({ name, size, originalSize, compression }) => {
        if (!wanted.has(name)) return false;
        // What a compressed entry claims to become would be allocated before anything shows that it is not so.
        if (compression !== 0 || size !== originalSize) throw new Error(`its ${name} is compressed`);
        totalBytes += size;
        if (totalBytes > bytes.length) throw new Error('it claims to hold more than it does');
        return true;
      },
    });
  } catch (cause) {
    throw unusable(messageOf(cause), cause);
  }
  const missing = names.filter((name) => !Object.hasOwn(found, name));
  if (missing.length > 0) throw unusable(`it has no ${missing.join(', ')}`);
  return Object.fromEntries(names.map((name) => [name, ownCopy(found[name])])) as Record<Name, Uint8Array<ArrayBuffer>>;
}

// An entry that was stored is a view of the archive: its buffer could not be handed to another thread by itself.
function ownCopy(bytes: Uint8Array = new Uint8Array()): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function unusable(problem: string, cause?: unknown): LabError {
  return new LabError('bad-checkpoint', {
    message: `The files in the checkpoint cannot be read: ${problem}.`,
    expected: 'an archive as "lab export" writes it',
    fix: 'Export the model again.',
    cause,
  });
}
