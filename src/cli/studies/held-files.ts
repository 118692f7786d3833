/**
 * The runs of E11 on judged pairs. Each seed has another split by query, an instruction refined on the train pairs
 * (PIAR), a model trained on its traces, and the measures of that model on the test queries.
 */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import { parseConfig } from '../../config/parse.ts';
import { type DataSet, makeDataSet } from '../../data/files/data-set.ts';
import { sampleQueries, type Split } from '../../data/splits.ts';
import { SftExperimentSchema } from '../../protocol/sft-experiment.ts';
import { CURRENT_FOLDING } from '../../relevance/pair/text-folding.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import { greedyRefiner } from '../../relevance/piar/piar-greedy.ts';
import { runPiar } from '../../relevance/piar/piar.ts';
import type { OwnRules } from '../../relevance/rules/own-rules.ts';
import { startInstruction } from '../../relevance/rules/start-instruction.ts';
import { induceLexicon, readPair } from '../../relevance/rules/typed-document.ts';
import { expertsOf, makeOwnRules, splitFile, withStandingOf } from '../../runs/file-data.ts';
import { prepareSft } from '../../runs/sft-experiment.ts';
import type { DecodingMeasures } from '../../studies/held-measure.ts';
import { measureHeld } from '../../studies/held-measure.ts';
import { evenly, REAL_RECIPES, type RealRecipe, SEED } from '../../studies/judged/real-data.ts';
import { readDataFiles } from '../pair-files.ts';
import { hashOfFiles } from '../runs/run-folder.ts';
import { measureOnce, type HeldContext } from './held-runs.ts';
import { FILE_PIAR_ROUNDS, FILE_SFT, FILE_SPLIT, FILE_TEST_PAIRS } from './held-settings.ts';
import { supervisedOnce, withModel } from './stages.ts';

const PAIRS = 'pairs.jsonl.gz';
const DOCUMENTS = 'docs.jsonl.gz';

/** A folder of judged pairs, and the recipe that says how they are read. */
export interface JudgedSet {
  readonly folder: string;
  readonly recipe: RealRecipe;
}

/** @throws {LabError} `bad-config` for a folder that no recipe is named like */
export function judgedSets(folders: readonly string[]): JudgedSet[] {
  return folders.map((folder) => {
    const recipe = REAL_RECIPES.find(({ id }) => id === basename(folder));
    if (recipe !== undefined) return { folder, recipe };
    throw new LabError('bad-config', {
      message: `There is no recipe for the folder ${folder}.`,
      expected: `folders named ${REAL_RECIPES.map(({ id }) => id).join(' or ')}`,
      got: basename(folder),
    });
  });
}

/** The measures of the supervised model of a set and a seed. */
export async function measureJudgedSet(
  { folder, recipe }: JudgedSet,
  seed: number,
  context: HeldContext,
): Promise<DecodingMeasures | undefined> {
  const paths = [join(folder, PAIRS), join(folder, DOCUMENTS)];
  const hash = hashOfFiles(await Promise.all(paths.map((path) => readFile(path))));
  const identity = ['file', recipe.id, hash, FILE_SFT, FILE_SPLIT, FILE_PIAR_ROUNDS, FILE_TEST_PAIRS, seed];
  return measureOnce(context, identity, `${recipe.id}, seed ${seed}`, async ({ path: out }) => {
    const { device, signal } = context;
    const dataSet = await drawnSet(paths, recipe);
    const { name, sha256 } = dataSet;
    const split = { kind: 'file', name, sha256, ...FILE_SPLIT, splitSeed: seed, grades: '', labels: '' } as const;
    const { train, dev, test } = splitFile(split, recipe.scaleSize, dataSet);
    const rules = await refine(recipe, dataSet, { train, dev, test }, signal);
    const experiment = parseConfig('The arm', SftExperimentSchema, {
      name: `held-${recipe.id}`,
      preset: 'lab-nano',
      data: { ...split, rules },
      prompt: {
        scaleSize: recipe.scaleSize,
        folding: CURRENT_FOLDING,
        hints: true,
        standing: true,
        maxWordsPerField: recipe.words,
      },
      sft: { ...FILE_SFT, seed },
      wordSplitShare: 0.1,
      devPairs: 60,
    });
    const run = { out, dtype: 'f32', device, signal } as const;
    const model = await supervisedOnce(experiment, run, (saved) =>
      prepareSft(experiment, { saved, findData: () => Promise.resolve(dataSet), signal }),
    );
    return withModel(model, (loaded) => {
      const pairs = evenly(withStandingOf(dataSet, test, loaded.prompt, loaded.vectors), FILE_TEST_PAIRS);
      return measureHeld(loaded, expertsOf(loaded, pairs).experts, signal);
    });
  });
}

/** The pairs of the queries that the recipe samples; the same for every seed. */
async function drawnSet([pairs = '', docs]: readonly string[], { scaleSize, queries }: RealRecipe): Promise<DataSet> {
  const whole = await readDataFiles([pairs], { ...(docs === undefined ? {} : { docs }), column: {}, scale: scaleSize });
  return makeDataSet(whole.name, sampleQueries(whole.pairs, queries, SEED));
}

/** An instruction refined on the train pairs, with its lexicon. */
async function refine(
  { scaleSize }: RealRecipe,
  { documents }: DataSet,
  { train, dev, test }: Split<JudgedPair>,
  signal: AbortSignal,
): Promise<OwnRules> {
  const lexicon = induceLexicon(documents);
  const typed = (pairs: readonly JudgedPair[]): JudgedPair[] =>
    pairs.map((pair) => readPair({ lexicon, readsTitles: true }, pair));
  const parts = { train: typed(train), dev: typed(dev), test: () => typed(test), lexicon };
  const options = { rounds: FILE_PIAR_ROUNDS, signal, onRound: () => undefined };
  const { last } = await runPiar(parts, startInstruction(scaleSize), greedyRefiner(), options);
  return makeOwnRules(last.instruction, lexicon, train);
}
