/**
 * Several files as one payload: a ZIP archive with uncompressed entries, because weights do not compress. Equal files
 * give equal bytes at any time and place.
 */
import { unzipSync, zipSync } from 'fflate';
import { LabError, messageOf } from '../common/errors.ts';

/** The bytes of an archive. */
export function packFiles(files: Readonly<Record<string, Uint8Array>>): Uint8Array<ArrayBuffer> {
  // ZIP dates start in 1980 and are in local time, so a fixed local date gives the same bytes everywhere.
  return zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) });
}

/**
 * The requested files of an archive; other entries are not unpacked.
 *
 * @param optional - files that may be missing
 * @throws {LabError} `bad-checkpoint` if it is not an archive, lacks one of the files, or claims more bytes than it has
 */
export function unpackFiles<const Name extends string, const Optional extends string = never>(
  bytes: Uint8Array,
  names: readonly Name[],
  optional: readonly Optional[] = [],
): Record<Name, Uint8Array<ArrayBuffer>> & Partial<Record<Optional, Uint8Array<ArrayBuffer>>> {
  const wanted: ReadonlySet<string> = new Set([...names, ...optional]);
  let totalBytes = 0;
  let found: Readonly<Record<string, Uint8Array>>;
  try {
    found = unzipSync(bytes, {
      filter: ({ name, size, originalSize, compression }) => {
        if (!wanted.has(name)) return false;
        // The claimed size of a compressed entry would be allocated before it could be found false.
        if (compression !== 0 || size !== originalSize) throw new Error(`its ${name} is compressed`);
        totalBytes += size;
        if (totalBytes > bytes.length) throw new Error('it claims more bytes than it has');
        return true;
      },
    });
  } catch (cause) {
    throw unusable(messageOf(cause), cause);
  }
  const missing = names.filter((name) => !Object.hasOwn(found, name));
  if (missing.length > 0) throw unusable(`it has no ${missing.join(', ')}`);
  const present = [...names, ...optional].filter((name) => Object.hasOwn(found, name));
  return Object.fromEntries(present.map((name) => [name, ownCopy(found[name])])) as ReturnType<
    typeof unpackFiles<Name, Optional>
  >;
}

// A stored entry is a view of the archive, whose buffer cannot be transferred to another thread separately.
function ownCopy(bytes: Uint8Array = new Uint8Array()): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function unusable(problem: string, cause?: unknown): LabError {
  return new LabError('bad-checkpoint', {
    message: `The files in the checkpoint cannot be read: ${problem}.`,
    expected: 'an archive written by "lab export"',
    fix: 'Export the model again.',
    cause,
  });
}
