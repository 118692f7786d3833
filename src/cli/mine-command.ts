/**
 * `lab mine`: finds what a trained model finds hard, in its rule world or in a file of judged pairs: pairs that it gets wrong
 * or is undecided about when it samples, and documents that it scores above better ones.
 */
import { Command, Option } from 'commander';
import type { ColumnNames } from '../data/files/columns.ts';
import { expertsOf, judgedPairs, withStandingOf } from '../runs/file-data.ts';
import { minePairs } from '../runs/mine-pairs.ts';
import { toExpert } from '../runs/sft-experiment.ts';
import { loadLabModel, type ModelFacts, readLabModel } from '../infer/lab-model.ts';
import { makeRuleWorld } from '../relevance/world/rule-world.ts';
import { SPLITS, type Split } from '../relevance/world/world-vocabulary.ts';
import { HARD_THRESHOLDS } from '../train/hard-samples.ts';
import type { ExpertPair } from '../train/evaluate.ts';
import { interruption } from './interruption.ts';
import { formatOf, minedLines, printMined } from './mine-output.ts';
import { readModelFiles } from './model-folder.ts';
import { openNodeBackend } from './node-backend.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import { backendOption, EXACT_IDS, modelOption, notNegativeNumber, wholeNumber } from './options.ts';
import { checkOutputFile, forceOption, writeOutput } from './outputs.ts';
import { assertFile, columnOption, docsOption, gradeOption, readDataFiles } from './pair-files.ts';
import { note, print, Progress } from './terminal.ts';

interface MineOptions {
  readonly model: string;
  readonly docs?: string;
  readonly column: ColumnNames;
  readonly grade?: string;
  readonly split: Split;
  readonly queries: number;
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

export function mineCommand(): Command {
  return new Command('mine')
    .description('find the judged pairs that a trained model finds hard')
    .argument('[file]', 'judged pairs on the scale of the model (default: the rule world)')
    .addOption(modelOption())
    .addOption(docsOption())
    .addOption(columnOption())
    .addOption(gradeOption())
    .addOption(new Option('--split <name>', 'which part of the rule world').choices(SPLITS).default('train'))
    .option('--queries <n>', 'how many queries of it, six pairs each', wholeNumber(1), 250)
    .option('--world-seed <n>', 'seed of the rule world', wholeNumber(0), 1)
    .option('--limit <n>', 'only the first pairs of the file', wholeNumber(1))
    .option('--samples <n>', 'completions per pair, at temperature 1', wholeNumber(1), 8)
    .option('--max-tokens <n>', 'the most tokens of one completion', wholeNumber(1), 48)
    .option('--seed <n>', 'seed of the completions', wholeNumber(0), 1)
    .option('--margin <x>', 'the gold label leads by less: hard', notNegativeNumber, HARD_THRESHOLDS.margin)
    .option(
      '--spread <x>',
      'so many answers differ from the commonest: hard',
      notNegativeNumber,
      HARD_THRESHOLDS.spread,
    )
    .option(
      '--near <x>',
      'so far below a better document a worse one is near it, in relevance',
      notNegativeNumber,
      0.05,
    )
    .option('--show <n>', 'how many of each to show', wholeNumber(0), 10)
    .option('-o, --out <file>', 'write all of them as .jsonl, .tsv or .csv')
    .addOption(forceOption())
    .option('--json', 'print the counts as one line of JSON, last')
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
A pair is hard if every completion gives a wrong label, if the gold label leads by less than --margin, if the answers
disagree, or if the rules that completions cite lead to another label than they state. A hard negative is a document that
people graded lower than another of its query and that the model scores near or above it. Files written as .jsonl can be
learned from: lab sft --data reads them. ${EXACT_IDS}

Examples:
  npm run lab -- mine --model runs/first/model
  npm run lab -- mine pairs.tsv --model runs/mine/model --out hard.jsonl
  npm run lab -- mine pairs.jsonl --docs docs.jsonl --samples 16 --show 3 --out hard.tsv`,
    )
    .action(runMine);
}

async function runMine(path: string | undefined, options: MineOptions): Promise<void> {
  const format = options.out === undefined ? undefined : formatOf(options.out);
  const rules = { inputs: [path, options.docs, options.model], force: options.force };
  if (options.out !== undefined) await checkOutputFile(options.out, rules);
  for (const each of [path, options.docs]) if (each !== undefined) await assertFile(each);
  const files = await readModelFiles(options.model);
  const experts = path === undefined ? worldExperts(options) : await fileExperts(path, readLabModel(files), options);
  const signal = interruption();
  const opened = await openNodeBackend(options.backend);
  const model = loadLabModel(files);
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

function worldExperts({ worldSeed, split, queries }: MineOptions): ExpertPair[] {
  const world = makeRuleWorld({ seed: worldSeed });
  return Array.from(world.pairs(split, 0, Math.min(queries, world.queryCount(split))), toExpert);
}

/** The pairs of a file, with traces where the model's rules lead to what people said. */
async function fileExperts(path: string, model: ModelFacts, options: MineOptions): Promise<readonly ExpertPair[]> {
  const { size } = model.scale;
  const dataSet = await readDataFiles(path, { ...options, scale: size });
  const pairs = judgedPairs(dataSet.name, size, dataSet.pairs, options.grade);
  return expertsOf(model, withStandingOf(dataSet, pairs, model.prompt).slice(0, options.limit)).experts;
}
