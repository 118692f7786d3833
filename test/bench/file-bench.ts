/**
 * `bench file`: a file of pairs read, scored and summarised by `lab score`, against BM25 alone on the same pairs. Each
 * pass is a process of its own; passes alternate.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { note } from '../../src/cli/terminal.ts';
import { Rng } from '../../src/common/rng.ts';
import { median } from './median.ts';

/** What scores the file: the general model, its rules alone, or BM25. */
export const FILE_SCORERS = ['general', 'rules', 'bm25'] as const;
type FileScorer = (typeof FILE_SCORERS)[number];

export interface FileBench {
  /** A file with a query, a title and a docId in each row; without it, one is made. */
  readonly path?: string | undefined;
  /** Pairs of a file that is made. */
  readonly pairs: number;
  readonly repeats: number;
}

const PassSchema = v.strictObject({
  pairs: v.number(),
  wallSec: v.number(),
  cpuSec: v.number(),
  peakBytes: v.number(),
});

/** Medians over the passes; the start of the process is part of them. */
export interface FileFigures {
  readonly pairsPerSec: number;
  readonly cpuSec: number;
  readonly peakBytes: number;
}

export interface FileResult extends FileFigures {
  readonly pairs: number;
  readonly rules: FileFigures;
  readonly bm25: FileFigures;
  /** Processor time of the general model over that of BM25 alone. */
  readonly cpuRatio: number;
}

const CHILD = fileURLToPath(new URL('file-child.ts', import.meta.url));

export async function benchFile({ path, pairs, repeats }: FileBench): Promise<FileResult> {
  const folder = mkdtempSync(join(tmpdir(), 'afrl-lab-bench-'));
  try {
    const file = path ?? join(folder, 'pairs.tsv');
    if (path === undefined) writeFileSync(file, pairsTsv(pairs));
    const passes = new Map<FileScorer, v.InferOutput<typeof PassSchema>[]>(FILE_SCORERS.map((name) => [name, []]));
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const name of FILE_SCORERS) {
        note(`${name}: pass ${repeat + 1} of ${repeats}`);
        passes.get(name)?.push(await runPass(name, file));
      }
    }
    const figures = (name: FileScorer): FileFigures => {
      const all = passes.get(name) ?? [];
      return {
        pairsPerSec: median(all.map((pass) => pass.pairs / pass.wallSec)),
        cpuSec: median(all.map(({ cpuSec }) => cpuSec)),
        peakBytes: median(all.map(({ peakBytes }) => peakBytes)),
      };
    };
    const [general, rules, bm25] = [figures('general'), figures('rules'), figures('bm25')];
    const scored = passes.get('general')?.[0]?.pairs ?? 0;
    return { pairs: scored, ...general, rules, bm25, cpuRatio: general.cpuSec / bm25.cpuSec };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runPass(name: FileScorer, file: string): Promise<v.InferOutput<typeof PassSchema>> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', CHILD, name, file]);
  return v.parse(PassSchema, JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
}

const WORDS = 600;

/** Pairs of ten documents a query; always the same. */
export function pairsTsv(pairs: number): string {
  const rng = new Rng('bench file');
  const word = (): string => `word${rng.int(rng.int(WORDS) + 1)}`;
  const some = (count: number): string => Array.from({ length: count }, word).join(' ');
  const lines = ['query\tdocId\ttitle\tbrand\tgrade'];
  let query = '';
  for (let i = 0; i < pairs; i++) {
    if (i % 10 === 0) query = some(3);
    lines.push(`${query} ${Math.floor(i / 10)}\td${i}\t${some(8)}\t${word()}\t${rng.int(4)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The report for people. */
export function fileReport({ pairs, rules, bm25, cpuRatio, ...general }: FileResult): string[] {
  const line = (name: string, { pairsPerSec, cpuSec, peakBytes }: FileFigures): string =>
    `${name.padEnd(14)}${pairsPerSec.toFixed(0).padStart(9)} pairs/s ${cpuSec.toFixed(2).padStart(8)} CPU s ` +
    `${(peakBytes / 2 ** 20).toFixed(0).padStart(6)} MiB at most`;
  return [
    `${pairs.toLocaleString('en')} pairs`,
    line('general model', general),
    line('rules alone', rules),
    line('BM25 alone', bm25),
    `The general model takes ${cpuRatio.toFixed(1)} times the processor time of BM25 alone.`,
  ];
}
