/**
 * The commands of studies, and how their runs are made. `study.ts` is the one runner; `experiment-*`, `distill-runs`,
 * `order-runs` and `evidence-experiment` are runs on the rule world, `recipe-*` those on real judgments in stages.
 * What studies are, and their reports, is in `src/studies/`; folders of runs are in `cli/run-folder.ts`.
 */

/**
 * `lab piar-experiment`: runs E9 on folders of judged pairs and writes `E9.json` and its report, numbers only.
 */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { runE9Split } from '../../studies/judged/e9-piar.ts';
import { type E9Data, e9Results, type E9SplitResult, E9SplitSchema } from '../../studies/judged/e9-results.ts';
import { PIAR_FRACTIONS } from '../../studies/piar-split.ts';
import { readAnnotations } from './annotations.ts';
import { readJudgedPairs } from '../judged-pairs.ts';
import { BINARY_SCALE, DEFAULT_SCALE } from '../../relevance/pair/labels.ts';
import { wholeNumber } from '../options.ts';
import { hashOfFiles, studyRunFolder } from '../run-folder.ts';
import { note, print } from '../terminal.ts';
import { forceOption } from '../outputs.ts';
import { checkStudy, runStudy } from './study.ts';

interface ExperimentOptions {
  readonly seeds: number;
  readonly queries: number;
  readonly rounds: number;
  readonly runs: string;
  readonly out: string;
  readonly force?: boolean;
}

const PAIRS = 'pairs.jsonl.gz';
const DOCUMENTS = 'docs.jsonl.gz';

export function piarExperimentCommand(): Command {
  return new Command('piar-experiment')
    .description('E9: does a refined instruction hold on queries it never saw?')
    .argument('<folders...>', `folders of ${PAIRS} (query, docId, grade, optionally annotators) and ${DOCUMENTS}`)
    .option('--seeds <n>', 'how many splits; fewer than 5 claim nothing', wholeNumber(1), 5)
    .option('--queries <n>', 'of a larger set this many queries are drawn for each seed', wholeNumber(3), 600)
    .option('--rounds <n>', 'the most rounds', wholeNumber(1), 20)
    .option('--runs <folder>', 'where splits are kept; those that are finished are not made again', 'runs/experiments')
    .option('-o, --out <folder>', 'where the results go', 'docs/results')
    .addOption(forceOption())
    .action(runExperiment);
}

async function runExperiment(folders: readonly string[], options: ExperimentOptions): Promise<void> {
  const { queries, rounds, runs } = options;
  await checkStudy('E9', options, folders);
  const sets: FolderData[] = [];
  for (const folder of folders) sets.push(await readFolder(folder));
  const seeds = Array.from({ length: options.seeds }, (_, i) => i + 1);
  const path = await runStudy<E9SplitResult>(options, ({ device, commit, signal }) => ({
    arms: sets.map(({ data, hash }) => ({
      name: data.name,
      runs: seeds.map((seed) => () => {
        const identity = { hash, scaleSize: data.scaleSize, seed, queries, rounds, fractions: PIAR_FRACTIONS };
        return studyRunFolder(runs, 'piar', identity).once(E9SplitSchema, { device, commit }, async () => {
          const split = await runE9Split(data, seed, { queries, rounds }, signal);
          const [first, last] = [split.first, split.last].map(({ metrics }) => metrics['accuracy'] ?? 'unknown');
          note(`${data.name}, seed ${seed}: ${first} -> ${last}`);
          return split;
        });
      }),
    })),
    results: (arms) =>
      e9Results(
        sets.map(({ data }, i) => ({ data, splits: arms[i]?.outcomes ?? [] })),
        { queries, rounds },
        { device, commit },
      ),
  }));
  if (path !== undefined) print(`${path}.json`);
}

/** The judged pairs of a folder, with a hash of its files. */
interface FolderData {
  readonly data: E9Data;
  readonly hash: string;
}

async function readFolder(folder: string): Promise<FolderData> {
  const path = join(folder, PAIRS);
  const read = await readJudgedPairs(path, { docs: join(folder, DOCUMENTS), scale: DEFAULT_SCALE });
  // Grades of 0 and 1 only are judgments of two labels, not of four.
  const scaleSize = read.some(({ label }) => label >= BINARY_SCALE.size) ? DEFAULT_SCALE.size : BINARY_SCALE.size;
  const annotations = await readAnnotations(path);
  const data = {
    name: basename(folder),
    scaleSize,
    pairs: read,
    ...(annotations.size === 0
      ? {}
      : { annotations: (queryId: string, docId: string) => annotations.of(queryId, docId) }),
  };
  return { data, hash: hashOfFiles([await readFile(path), await readFile(join(folder, DOCUMENTS))]) };
}
