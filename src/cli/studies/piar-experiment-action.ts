/**
 * The action of `lab piar-experiment`.
 */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runE9Split } from '../../studies/judged/e9-piar.ts';
import { type E9Data, e9Results, type E9SplitResult, E9SplitSchema } from '../../studies/judged/e9-results.ts';
import { PIAR_FRACTIONS } from '../../runs/piar-split.ts';
import { SET_FILES } from '../../studies/judged/real-data.ts';
import { readAnnotations } from './annotations.ts';
import { readJudgedPairs } from '../judged-pairs.ts';
import { BINARY_SCALE, DEFAULT_SCALE } from '../../relevance/pair/labels.ts';
import { hashOfFiles, studyRunFolder } from '../runs/run-folder.ts';
import { note, print } from '../terminal.ts';
import { checkStudy, runStudy } from './study.ts';

interface ExperimentOptions {
  readonly seeds: number;
  readonly queries: number;
  readonly rounds: number;
  readonly runs: string;
  readonly out: string;
  readonly force?: boolean;
}

export async function runPiarExperiment(folders: readonly string[], options: ExperimentOptions): Promise<void> {
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
  const path = join(folder, SET_FILES.pairs);
  const read = await readJudgedPairs([path], { docs: join(folder, SET_FILES.documents), scale: DEFAULT_SCALE });
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
  return { data, hash: hashOfFiles([await readFile(path), await readFile(join(folder, SET_FILES.documents))]) };
}
