/**
 * One fold of a recipe on real judgments, in stages: PIAR, supervised models, reinforcement, evaluation. Each stage is a
 * folder with what it made; a stage that is there is not made again, and one that was interrupted goes on.
 */
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as v from 'valibot';
import { parseConfig } from '../../config/parse.ts';
import type { DataSet } from '../../data/files/data-set.ts';
import { expertsOf, judgedPairs, makeOwnRules, splitFile, withStandingOf } from '../../runs/file-data.ts';
import { baselinesOf, type Prediction } from '../../studies/judged/real-baselines.ts';
import {
  DEV_SHARE,
  LATER_ARMS,
  MODEL_ARMS,
  type ModelArm,
  type ModelId,
  type RealFold,
  type RealRecipe,
  REINFORCED_ARM,
  SEED,
} from '../../studies/judged/real-data.ts';
import {
  type FoldResult,
  type MinedFold,
  MinedFoldSchema,
  ModelResultSchema,
  PreparedFoldSchema,
} from '../../studies/judged/real-results.ts';
import { minePairs } from '../../runs/mine-pairs.ts';
import { prepareSft } from '../../runs/sft-experiment.ts';
import { readSftCheckpoint } from '../../runs/sft-checkpoint.ts';
import { disposeLabModel } from '../../infer/lab-model.ts';
import { scoreStream } from '../../infer/score-pairs.ts';
import { GrpoExperimentSchema } from '../../protocol/grpo-experiment.ts';
import { type FileData, SftExperimentSchema } from '../../protocol/sft-experiment.ts';
import { type OwnRules, ownRulesSchema, rulesOf } from '../../relevance/rules/own-rules.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import { greedyRefiner } from '../../relevance/piar/piar-greedy.ts';
import { runPiar } from '../../relevance/piar/piar.ts';
import { startInstruction } from '../../relevance/rules/start-instruction.ts';
import { synthesiseTraces } from '../../relevance/rules/trace-synthesis.ts';
import { induceLexicon, readPair } from '../../relevance/rules/typed-document.ts';
import { evaluate } from '../../train/evaluate.ts';
import { RunFolder } from '../run-folder.ts';
import type { Annotations } from './annotations.ts';
import { writeMined } from '../mine-output.ts';
import { readModelFolder, writeWhole } from '../model-folder.ts';
import { reinforceToFolder } from '../reinforced-run.ts';
import { readStartModel } from '../start-model.ts';
import { checkpointPath, trainToFolder } from '../supervised-run.ts';
import { note } from '../terminal.ts';

/** What all folds of a recipe share. */
export interface FoldContext {
  readonly recipe: RealRecipe;
  /** The whole file: its documents are what a search engine would have indexed. */
  readonly whole: DataSet;
  readonly annotations: Annotations;
  /** The folder of all folds. */
  readonly out: string;
  /** Which models are to be made; what others a fold has is told too. */
  readonly models: readonly ModelId[];
  readonly device: string;
  readonly signal: AbortSignal;
}

type LaterId = keyof typeof LATER_ARMS;

/** Rounds of PIAR at most. */
const PIAR_ROUNDS = 12;
/** Test pairs that reasons are written for. */
const REASONED_PAIRS = 60;
const WEIGHTS = 'model.safetensors';

/** Makes or reads all stages of a fold. @throws {LabError} `aborted`; what the trainers throw */
export async function runFold(fold: RealFold, context: FoldContext): Promise<FoldResult> {
  const folder = join(context.out, `fold-${fold.index + 1}`);
  await mkdir(folder, { recursive: true });
  const stage = new FoldStages(fold, folder, context);
  const rules = await stage.refine();
  const prepared = await stage.prepare(rules);
  const models: Record<string, FoldResult['models'][string]> = {};
  let mined: MinedFold | undefined;
  const { recipe } = context;
  for (const arm of MODEL_ARMS) {
    const later = arm.id === REINFORCED_ARM ? await stage.laterWanted() : new Set<LaterId>();
    if (later.size === 0 && !(await stage.isWanted(arm.id, arm.id))) continue;
    const model = await stage.supervise(arm, rules);
    models[arm.name] = await stage.evaluate(arm.id, model);
    const measure = async ({ id, name }: (typeof LATER_ARMS)[LaterId], folder: string): Promise<void> => {
      models[name] = await stage.evaluate(id, folder);
    };
    const { mbo, staged } = LATER_ARMS;
    if (later.has('mbo')) await measure(mbo, await stage.reinforce(mbo.id, model, rules, recipe.grpo));
    if (!later.has('mined') && !later.has('staged')) continue;
    mined = await stage.mine(model);
    const again = await stage.superviseAgain(arm, rules, mined);
    await measure(LATER_ARMS.mined, again);
    if (later.has('staged')) await measure(staged, await stage.reinforce(staged.id, again, rules, recipe.staged));
  }
  return { fold: fold.index, prepared, models, ...(mined === undefined ? {} : { mined }) };
}

class FoldStages {
  readonly #fold: RealFold;
  readonly #folder: string;
  readonly #context: FoldContext;
  readonly #data: FileData;
  readonly #test: readonly JudgedPair[];

  constructor(fold: RealFold, folder: string, context: FoldContext) {
    const { learn, test } = fold;
    this.#fold = fold;
    this.#folder = folder;
    this.#context = context;
    const { name, sha256 } = learn;
    this.#data = { kind: 'file', name, sha256, devShare: DEV_SHARE, testShare: 0, splitSeed: SEED };
    this.#test = judgedPairs(name, context.recipe.scaleSize, test);
  }

  /** Whether a model is to be made, or has been. @param stage - the name of its evaluation */
  async isWanted(model: ModelId, stage: string): Promise<boolean> {
    return this.#context.models.includes(model) || isThere(join(this.#folder, `${stage}.json`));
  }

  /** The models wanted of those that go on from the first one. */
  async laterWanted(): Promise<ReadonlySet<LaterId>> {
    const wanted = new Set<LaterId>();
    for (const name of ['mbo', 'mined', 'staged'] as const) {
      if (await this.isWanted(name, LATER_ARMS[name].id)) wanted.add(name);
    }
    return wanted;
  }

  /** An instruction refined on the pairs to learn from, with its words. */
  async refine(): Promise<OwnRules> {
    return once(join(this.#folder, 'rules.json'), ownRulesSchema, async () => {
      const { scaleSize } = this.#context.recipe;
      const { train, dev } = splitFile(this.#data, scaleSize, this.#fold.learn);
      const lexicon = induceLexicon(this.#fold.learn.documents);
      const typed = (pairs: readonly JudgedPair[]): JudgedPair[] =>
        pairs.map((pair) => readPair({ lexicon, readsTitles: true }, pair));
      const { last } = await runPiar(
        { train: typed(train), dev: typed(dev), test: () => typed(this.#test), lexicon },
        startInstruction(scaleSize),
        greedyRefiner(),
        {
          rounds: PIAR_ROUNDS,
          signal: this.#context.signal,
          onRound: ({ round, rules, dev: held }) =>
            note(`PIAR, round ${round}: ${rules} rules, dev accuracy ${held.accuracy.toFixed(3)}.`),
        },
      );
      return makeOwnRules(last.instruction, lexicon, train);
    });
  }

  /** The baselines, and what people said of the test pairs. */
  async prepare(own: OwnRules): Promise<FoldResult['prepared']> {
    return once(join(this.#folder, 'baselines.json'), PreparedFoldSchema, () => {
      const { recipe, whole, annotations } = this.#context;
      const { train } = splitFile(this.#data, recipe.scaleSize, this.#fold.learn);
      const rules = rulesOf(own);
      const { majority, random, bm25, instruction } = baselinesOf(train, this.#test, whole.documents, rules);
      const { counts } = synthesiseTraces(
        rules.instruction,
        rules.lexicon,
        train.map((pair) => readPair(rules, pair)),
      );
      const { pairs, traced, contradicting, uncovered } = counts;
      const named = { majority, random, BM25: bm25, 'refined instruction': instruction };
      const baselines = Object.fromEntries(Object.entries(named).map(([name, found]) => [name, [...found]]));
      const people = this.#test.flatMap(({ queryId, document }) => {
        const said = annotations.of(queryId, document.docId) ?? [];
        return said.flatMap((first, i) => said.slice(i + 1).map((second): [number, number] => [first, second]));
      });
      const traces = { pairs, traced, contradicting, uncovered };
      return Promise.resolve({ rules: own.instruction.rules.length, traces, baselines, people });
    });
  }

  /** A model of labels and, where the rules agree, reasons. */
  async supervise({ id, prompt }: ModelArm, rules: OwnRules): Promise<string> {
    return this.#superviseOn(id, prompt, rules, []);
  }

  /** The same from new weights, with some pairs more often. @param mined - what {@link mine} found */
  async superviseAgain({ prompt }: ModelArm, rules: OwnRules, mined: MinedFold): Promise<string> {
    const { times } = this.#context.recipe.mining;
    const again = Array.from({ length: times - 1 }, () => mined.again).flat();
    return this.#superviseOn(LATER_ARMS.mined.id, prompt, rules, again);
  }

  /** What a model finds hard among the pairs that it learned from, as their places among these; all of it is listed in a file. */
  async mine(folder: string): Promise<MinedFold> {
    return once(join(this.#folder, 'mined.json'), MinedFoldSchema, async () => {
      const { recipe, signal } = this.#context;
      const { samples, maxTokens, share } = recipe.mining;
      const { train } = splitFile(this.#data, recipe.scaleSize, this.#fold.learn);
      const model = await readModelFolder(folder);
      try {
        const { experts } = expertsOf(model, withStandingOf(this.#fold.learn, train, model.prompt));
        const mined = await minePairs(model, experts, { samples, maxTokens, seed: SEED, signal });
        await writeMined(join(this.#folder, 'mined.jsonl'), mined);
        const placeOf = new Map(experts.map(({ pair }, place) => [pair, place]));
        const { samples: hard, negatives, counts } = mined;
        const most = Math.floor((share * experts.length) / 2);
        const chosen = [
          ...hard.slice(0, most).map(({ pair }) => pair),
          ...negatives.slice(0, most).map(({ negative }) => negative),
        ];
        const places = new Set(chosen.flatMap((pair) => placeOf.get(pair) ?? []));
        note(`${counts.hard} hard pairs, ${counts.hardNegatives} hard negatives; ${places.size} pairs come again.`);
        const { pairs, completions, rightShare } = counts;
        const found = { pairs, completions, rightShare, hard: counts.hard, hardNegatives: counts.hardNegatives };
        return { again: [...places].toSorted((a, b) => a - b), found };
      } finally {
        disposeLabModel(model);
      }
    });
  }

  async #superviseOn(
    id: string,
    prompt: ModelArm['prompt'],
    rules: OwnRules,
    again: readonly number[],
  ): Promise<string> {
    const out = join(this.#folder, id);
    const folder = join(out, 'model');
    if (await isThere(join(folder, WEIGHTS))) return folder;
    const { recipe, device, signal } = this.#context;
    const experiment = parseConfig('The recipe', SftExperimentSchema, {
      name: `${recipe.id}-${id}-${this.#fold.index + 1}`,
      preset: 'lab-nano',
      data: { ...this.#data, rules },
      prompt: { scaleSize: recipe.scaleSize, ...prompt, maxWordsPerField: recipe.words },
      sft: recipe.sft,
      wordSplitShare: 0.1,
      devPairs: 300,
    });
    const path = checkpointPath(out);
    const saved = (await isThere(path)) ? readSftCheckpoint(await readFile(path)) : undefined;
    const prepared = await prepareSft(experiment, { saved, findData: () => Promise.resolve(this.#fold.learn), signal });
    const examples = [...prepared.examples, ...again.flatMap((place) => prepared.examples[place] ?? [])];
    return trainToFolder(experiment, { out, saved, prepared: { ...prepared, examples }, dtype: 'f32', device, signal });
  }

  /** A model trained on by reinforcement with the expert loss beside it. */
  async reinforce(id: string, startFolder: string, rules: OwnRules, settings: RealRecipe['grpo']): Promise<string> {
    const out = join(this.#folder, id);
    const folder = join(out, 'model');
    if (await isThere(join(folder, WEIGHTS))) return folder;
    const { recipe, device, signal } = this.#context;
    const experiment = parseConfig('The recipe', GrpoExperimentSchema, {
      ...settings,
      name: `${recipe.id}-${id}-${this.#fold.index + 1}`,
      data: { ...this.#data, rules },
    });
    const saved = await new RunFolder(out).readCheckpoint();
    const start = await readStartModel(startFolder);
    return reinforceToFolder(experiment, start, { out, saved, given: this.#fold.learn, device, startFolder, signal });
  }

  /** A model on the test queries, which nothing was chosen by. */
  async evaluate(id: string, folder: string): Promise<FoldResult['models'][string]> {
    return once(join(this.#folder, `${id}.json`), ModelResultSchema, async () => {
      const { whole, signal } = this.#context;
      const model = await readModelFolder(folder);
      try {
        const pairs = withStandingOf(whole, this.#test, model.prompt);
        const predictions: Prediction[] = [];
        for await (const { item, score } of scoreStream(model, inTurn(pairs), signal)) {
          const { queryId, document, label } = item.pair;
          predictions.push({ queryId, docId: document.docId, gold: label, label: score.label, score: score.score });
        }
        const { experts } = expertsOf(model, evenly(pairs, REASONED_PAIRS));
        const { reasoning } = await evaluate(model, experts, { completions: experts.length, signal });
        return {
          predictions,
          reasoning: {
            completions: reasoning?.completions ?? 0,
            validTraces: reasoning?.validTraces ?? 0,
            verifiedSteps: reasoning?.verifiedSteps ?? null,
            labelTraceAgreement: reasoning?.labelTraceAgreement ?? null,
            distinctRules: reasoning?.distinctRules ?? 0,
          },
        };
      } finally {
        disposeLabModel(model);
      }
    });
  }
}

/** What a file holds, made first if it is not there. */
async function once<const Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
  make: () => Promise<v.InferOutput<Schema>>,
): Promise<v.InferOutput<Schema>> {
  if (await isThere(path)) return parseConfig(path, schema, JSON.parse(await readFile(path, 'utf8')) as unknown);
  const made = await make();
  await writeWhole(path, `${JSON.stringify(made)}\n`);
  return made;
}

async function* inTurn(pairs: readonly JudgedPair[]): AsyncGenerator<{ readonly pair: JudgedPair }> {
  for (const pair of pairs) yield await Promise.resolve({ pair });
}

/** So many items, from all places. */
function evenly<T>(items: readonly T[], count: number): T[] {
  const every = Math.max(1, Math.floor(items.length / count));
  return items.filter((_, i) => i % every === 0).slice(0, count);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
