/** A file of pairs in the thread of the Files view, for its tests. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ExportFormat, FileScoring, FileScoringEvent } from '../../../../src/protocol/files.ts';
import { FilesService } from '../../../../src/sessions/files/files-service.ts';
import { Rng } from '../../../../src/common/rng.ts';
import { ALL_MODEL_FILES } from '../../../../src/infer/lab-model.ts';
import type { MemoryJudged } from '../memory-judged.ts';

const FOLDER = 'public/models/general';
const WORDS = ['red', 'blue', 'kettle', 'mug', 'steel', 'lamp', 'oak', '12', 'usb', 'cable', 'garden', 'hose'];

/**
 * Rows of judged pairs with columns of their own, ids that a number would change, and text that a spreadsheet would
 * run.
 */
export function pairsCsv(rows: number): string {
  const rng = new Rng('files');
  const some = (count: number): string => Array.from({ length: count }, () => rng.pick(WORDS)).join(' ');
  const queries = Array.from({ length: 40 }, () => some(2));
  const lines = Array.from({ length: rows }, (_, i) => {
    const query = queries[i % queries.length] ?? '';
    const grade = rng.int(10) === 0 ? '' : String(rng.int(4));
    return `${query},00${i},-${i},${some(4)},${i === 3 ? '=1+1' : some(1)},${grade},${i}.50`;
  });
  return ['query,docId,Custodian,title,Remark,grade,Price', ...lines, ''].join('\n');
}

const wasmFile = createRequire(import.meta.url).resolve(
  '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
);

export function serviceOn(judged: MemoryJudged): FilesService {
  return new FilesService({ wasmPaths: `${dirname(wasmFile)}/`, openStore: () => Promise.resolve({ judged }) });
}

export function blobOf(text: string): Blob {
  return new Blob([text]);
}

export async function prepare(service: FilesService): Promise<FileScoring> {
  const files = Object.fromEntries(
    ALL_MODEL_FILES.map((name) => [name, new Uint8Array(readFileSync(join(FOLDER, name)))]),
  );
  return service.prepare(
    { choice: { kind: 'bundled', id: 'general' }, load: { source: { kind: 'files', files }, backend: 'wasm' } },
    () => undefined,
  );
}

export async function prepareRules(service: FilesService): Promise<void> {
  const files = Object.fromEntries(
    ALL_MODEL_FILES.map((name) => [name, new Uint8Array(readFileSync(join(FOLDER, name)))]),
  );
  const load = { source: { kind: 'files', files }, backend: 'auto' } as const;
  await service.prepare({ choice: { kind: 'rules', id: 'general' }, load }, () => undefined);
}

export async function score(service: FilesService): Promise<FileScoringEvent[]> {
  const events: FileScoringEvent[] = [];
  await service.score((event) => void events.push(event));
  return events;
}

export async function undoAll(service: FilesService): Promise<void> {
  for (const correction of (await service.table()).corrections) await service.undoCorrection(correction);
}

export async function exported(service: FilesService, format: ExportFormat): Promise<string> {
  const bytes = await (await service.exportFile(format)).file.arrayBuffer();
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}
