/**
 * `lab piar-experiment`: runs E9 on folders of judged pairs and writes `E9.json`, numbers only.
 */
import { mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { Command } from 'commander';
import { type E9Data, runE9 } from '../../studies/e9-piar.ts';
import { readAnnotations } from './annotations.ts';
import { currentCommit } from '../current-commit.ts';
import { readJudgedPairs } from '../judged-pairs.ts';
import { BINARY_SCALE, DEFAULT_SCALE } from '../../relevance/pair/labels.ts';
import { writeWhole } from '../model-folder.ts';
import { wholeNumber } from '../options.ts';
import { note, print } from '../terminal.ts';

interface ExperimentOptions {
  readonly seeds: number;
  readonly queries: number;
  readonly rounds: number;
  readonly out: string;
}

const PAIRS = 'pairs.jsonl.gz';
const DOCUMENTS = 'docs.jsonl.gz';

export function piarExperimentCommand(): Command {
  return new Command('piar-experiment')
    .description('E9: does a refined instruction hold on queries it never saw?')
    .argument('<folders...>', `folders of ${PAIRS} (query, docId, grade, optionally annotators) and ${DOCUMENTS}`)
    .option('--seeds <n>', 'how many splits; fewer than 5 claim nothing', wholeNumber(1), 5)
    .option('--queries <n>', 'of a larger set so many queries are drawn for each seed', wholeNumber(3), 600)
    .option('--rounds <n>', 'the most rounds', wholeNumber(1), 20)
    .option('-o, --out <folder>', 'where the results go', 'docs/results')
    .action(runExperiment);
}

async function runExperiment(folders: readonly string[], options: ExperimentOptions): Promise<void> {
  const data: E9Data[] = [];
  for (const folder of folders) data.push(await readFolder(folder));
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  const results = await runE9(data, {
    seeds: Array.from({ length: options.seeds }, (_, i) => i + 1),
    queries: options.queries,
    rounds: options.rounds,
    device: `CPU, ${cpus()[0]?.model ?? 'unknown'}`,
    commit: currentCommit(),
    signal: controller.signal,
    onProgress: note,
  });
  await mkdir(options.out, { recursive: true });
  const path = join(options.out, `${results.id}.json`);
  await writeWhole(path, `${JSON.stringify(results, null, 1)}\n`);
  note(results.verdict);
  print(path);
}

async function readFolder(folder: string): Promise<E9Data> {
  const path = join(folder, PAIRS);
  const read = await readJudgedPairs(path, { docs: join(folder, DOCUMENTS), scale: DEFAULT_SCALE });
  // Grades of 0 and 1 only are judgments of two labels, not of four.
  const scaleSize = read.some(({ label }) => label >= BINARY_SCALE.size) ? DEFAULT_SCALE.size : BINARY_SCALE.size;
  const annotations = await readAnnotations(path);
  return {
    name: basename(folder),
    scaleSize,
    pairs: read,
    ...(annotations.size === 0
      ? {}
      : { annotations: (queryId: string, docId: string) => annotations.of(queryId, docId) }),
  };
}
