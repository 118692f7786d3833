/**
 * The action of `lab mine`.
 */
import { expertsOf, judgedPairs, withStandingOf } from '../runs/file-data.ts';
import { minePairs } from '../runs/mine-pairs.ts';
import { toExpert } from '../runs/sft-experiment.ts';
import { loadLabModel, type ModelFacts, readLabModel } from '../infer/lab-model.ts';
import { makeRuleWorld } from '../relevance/world/rule-world.ts';
import type { Split } from '../relevance/world/world-vocabulary.ts';
import type { ExpertPair } from '../train/evaluate.ts';
import { interruption } from './interruption.ts';
import { formatOf, minedLines, printMined } from './mine-output.ts';
import { readModelFiles } from './model-folder.ts';
import { openNodeBackend } from './node-backend.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import { checkOutputFile, writeOutput } from './outputs.ts';
import { readDataFiles, type ReadingOptions } from './pair-files.ts';
import { note, print, Progress } from './terminal.ts';

interface MineOptions extends ReadingOptions {
  readonly model: string;
  readonly split: Split;
  readonly worldQueries: number;
  readonly worldSeed: number;
  readonly limit?: number;
  readonly samples: number;
  readonly maxTokens: number;
  readonly seed: number;
  readonly margin: number;
  readonly spread: number;
  readonly near: number;
  readonly show: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
  readonly backend: BackendChoice;
}

export async function runMine(paths: readonly string[], options: MineOptions): Promise<void> {
  const format = options.out === undefined ? undefined : formatOf(options.out);
  const rules = { inputs: [...paths, options.docs, options.queries, options.model], force: options.force };
  if (options.out !== undefined) await checkOutputFile(options.out, rules);
  const files = await readModelFiles(options.model);
  const experts = paths.length === 0 ? worldExperts(options) : await fileExperts(paths, readLabModel(files), options);
  const signal = interruption();
  const opened = await openNodeBackend(options.backend);
  const model = await loadLabModel(files);
  note(`${model.card.name} on ${opened.backend}: ${opened.device}.`);
  const { samples, maxTokens, seed, margin, spread, near } = options;
  const progress = new Progress('Completions');
  const mined = await minePairs(model, experts, {
    samples,
    maxTokens,
    seed,
    thresholds: { margin, spread },
    near,
    signal,
    onProgress: (done, total) => progress.update(done, total),
  });
  progress.end();
  if (options.out !== undefined && format !== undefined) {
    await writeOutput(options.out, rules, minedLines(format, mined));
    note(`Wrote ${mined.samples.length} hard pairs and ${mined.negatives.length} hard negatives to ${options.out}.`);
  }
  printMined(mined, model.scale, options.show);
  if (options.json === true) print(JSON.stringify(mined.counts));
}

function worldExperts({ worldSeed, split, worldQueries }: MineOptions): ExpertPair[] {
  const world = makeRuleWorld({ seed: worldSeed });
  return Array.from(world.pairs(split, 0, Math.min(worldQueries, world.queryCount(split))), toExpert);
}

/** The pairs of a file, with traces where the model's rules imply the given label. */
async function fileExperts(
  paths: readonly string[],
  model: ModelFacts,
  options: MineOptions,
): Promise<readonly ExpertPair[]> {
  const { size } = model.scale;
  const dataSet = await readDataFiles(paths, { ...options, scale: size });
  const pairs = judgedPairs(dataSet.name, size, dataSet.pairs, options.grade);
  return expertsOf(model, withStandingOf(dataSet, pairs, model.prompt, model.vectors).slice(0, options.limit)).experts;
}
