/**
 * Zip archives of records of runs: a folder for each run, of the page or of the command line.
 */
import { strToU8, zipSync } from 'fflate';
import { blobSource } from '../checkpoint/byte-source.ts';
import { LabError, messageOf } from '../common/errors.ts';
import { readZip, unpackMember, type ZipMember } from '../data/kinds/zip-archive.ts';
import type { ExportedFile } from '../protocol/checkpoints.ts';
import {
  ALL_RECORD_FILES,
  RECORD_FILES,
  type RecordFiles,
  type RecordRun,
  readRecordFiles,
} from '../runs/run-record.ts';

/** The most bytes of all records in an archive. */
const MAX_RECORD_BYTES = 256 * 2 ** 20;

/** A zip archive with a folder for each run. */
export function archive(
  fileName: string,
  records: readonly RecordRun[],
  filesOf: (record: RecordRun) => Readonly<Record<string, string | Uint8Array>>,
): ExportedFile {
  const entries: Record<string, string | Uint8Array> = {};
  for (const record of records) {
    const { kind, seed, id } = record.run;
    // Names of runs never become paths, because they may hold anything.
    const folder = `${kind}-seed-${seed}-${id}`;
    for (const [name, contents] of Object.entries(filesOf(record))) entries[`${folder}/${name}`] = contents;
  }
  return { fileName, file: zipped(entries) };
}

/** Files as a zip archive. */
export function zipped(files: Readonly<Record<string, string | Uint8Array>>): Blob {
  const entries = Object.entries(files).map(([path, contents]) => {
    return [path, typeof contents === 'string' ? strToU8(contents) : contents] as const;
  });
  return new Blob([zipSync(Object.fromEntries(entries))], { type: 'application/zip' });
}

/** The runs of an archive: every folder in it with a `run.json`. @throws {LabError} `bad-file` */
export async function readArchive(file: Blob): Promise<{ records: RecordRun[]; problems: string[] }> {
  const source = blobSource(file);
  const name = file instanceof File ? file.name : 'The archive';
  const folders = new Map<string, Partial<Record<string, ZipMember>>>();
  let totalBytes = 0;
  for (const member of await readZip(source, name)) {
    const end = member.name.lastIndexOf('/') + 1;
    const [folder, base] = [member.name.slice(0, end), member.name.slice(end)];
    if (!ALL_RECORD_FILES.some((one) => one === base)) continue;
    totalBytes += member.sizeBytes;
    folders.set(folder, { ...folders.get(folder), [base]: member });
  }
  if (totalBytes > MAX_RECORD_BYTES) {
    throw new LabError('bad-file', {
      message: 'The archive is too large for records of runs.',
      expected: `at most ${MAX_RECORD_BYTES} bytes of records`,
      got: String(totalBytes),
      fix: 'Import its runs in smaller archives.',
    });
  }
  const records: RecordRun[] = [];
  const problems: string[] = [];
  for (const [folder, members] of folders) {
    if (members['run.json'] === undefined) continue;
    try {
      const files: RecordFiles = {};
      for (const base of ALL_RECORD_FILES) {
        const member = members[base];
        if (member === undefined) continue;
        files[base] = await textOf(unpackMember(source, member, name));
      }
      records.push(readRecordFiles(folder.replace(/\/$/u, '') || 'the archive', files));
    } catch (thrown) {
      problems.push(messageOf(thrown));
    }
  }
  if (records.length > 0 || problems.length > 0) return { records, problems };
  throw new LabError('bad-file', {
    message: 'The archive has no run in it.',
    expected: `a zip archive of folders with ${RECORD_FILES.join(', ')}`,
    fix: 'Export runs here, or zip a run folder of the command line.',
  });
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of pieces) text += decoder.decode(piece, { stream: true });
  return text + decoder.decode();
}
