/**
 * One fold of a recipe on real judgments, in stages: PIAR, supervised models, mining, reinforcement, evaluation. Each
 * stage is a folder or a file that is made once; an interrupted stage is resumed.
 */
import { join } from 'node:path';
import { parseConfig } from '../../config/parse.ts';
import type { DataSet } from '../../data/files/data-set.ts';
import { expertsOf, judgedPairs, makeOwnRules, splitFile, withStandingOf } from '../../runs/file-data.ts';
import { annotatorPairs, baselinesOf } from '../../studies/judged/real-baselines.ts';
import {
  DEV_SHARE,
  evenly,
  LATER_ARMS,
  MODEL_ARMS,
  type ModelArm,
  type ModelId,
  type RealFold,
  type RealRecipe,
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
import { GrpoExperimentSchema } from '../../protocol/grpo-experiment.ts';
import { type FileData, SftExperimentSchema } from '../../protocol/sft-experiment.ts';
import { type OwnRules, ownRulesSchema, rulesOf } from '../../relevance/rules/own-rules.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import { greedyRefiner } from '../../relevance/piar/piar-greedy.ts';
import { runPiar } from '../../relevance/piar/piar.ts';
import { startInstruction } from '../../relevance/rules/start-instruction.ts';
import { synthesiseTraces } from '../../relevance/rules/trace-synthesis.ts';
import { CURRENT_FOLDING, currentFolding } from '../../relevance/pair/text-folding.ts';
import { induceLexicon, readPair } from '../../relevance/rules/typed-document.ts';
import { evaluate } from '../../train/evaluate.ts';
import { measuredOnce, readIfThere } from '../runs/read-files.ts';
import { RunFolder } from '../runs/run-folder.ts';
import type { Annotations } from './annotations.ts';
import { minedLines } from '../mine-output.ts';
import { writeWhole } from '../outputs.ts';
import { reinforceToFolder } from '../runs/reinforced-run.ts';
import { readStartModel } from '../runs/start-model.ts';
import { note } from '../terminal.ts';
import { predictionsOf } from '../../runs/compared-models.ts';
import { modelOnce, supervisedOnce, withModel } from './stages.ts';

/** What all folds of a recipe share. */
export interface FoldContext {
  readonly recipe: RealRecipe;
  /** The whole file, whose documents are those that a search engine would have indexed. */
  readonly whole: DataSet;
  /** The meanings of the file's grades; empty for the usual ones. */
  readonly grades: string;
  readonly annotations: Annotations;
  /** The folder of all folds. */
  readonly out: string;
  /** The models to make; other models that the fold already has are reported as well. */
  readonly models: readonly ModelId[];
  readonly device: string;
  readonly signal: AbortSignal;
}

/** The maximum number of PIAR rounds. */
const PIAR_ROUNDS = 12;
/** Test pairs whose reasons are generated. */
const REASONED_PAIRS = 60;

/**
 * The result of all stages of a fold, made unless they are stored.
 *
 * @returns undefined if another process works on the fold
 * @throws {LabError} `aborted`; what the trainers throw
 */
export async function runFold(fold: RealFold, context: FoldContext): Promise<FoldResult | undefined> {
  const folder = join(context.out, `fold-${fold.index + 1}`);
  return new RunFolder(folder).alone(() => new FoldStages(fold, folder, context).run());
}

class FoldStages {
  readonly #fold: RealFold;
  readonly #folder: string;
  readonly #context: FoldContext;
  readonly #data: FileData;
  readonly #test: readonly JudgedPair[];
  /** The training pairs, and the pairs for model selection. */
  readonly #split: { readonly train: readonly JudgedPair[]; readonly dev: readonly JudgedPair[] };

  constructor(fold: RealFold, folder: string, context: FoldContext) {
    const { learn, test } = fold;
    const { name, sha256 } = learn;
    const { grades, recipe } = context;
    const { scaleSize } = recipe;
    this.#fold = fold;
    this.#folder = folder;
    this.#context = context;
    this.#data = { kind: 'file', name, sha256, devShare: DEV_SHARE, testShare: 0, splitSeed: SEED, grades, labels: '' };
    this.#test = judgedPairs(name, scaleSize, test, grades);
    this.#split = splitFile(this.#data, scaleSize, learn);
  }

  async run(): Promise<FoldResult> {
    const { recipe } = this.#context;
    const rules = await this.#refine();
    const prepared = await this.#prepare(rules);
    const models: Record<string, FoldResult['models'][string]> = {};
    const measure = async (
      { id, name }: { readonly id: string; readonly name: string },
      folder: string,
    ): Promise<void> => {
      models[name] = await this.#evaluate(id, folder);
    };
    const [words, hints] = MODEL_ARMS;
    const { mbo, mined: minedArm, staged } = LATER_ARMS;
    if (await this.#isWanted('words', words.id))
      await measure(words, await this.#supervise(words.id, words.prompt, rules));
    const [wantsMbo, wantsMined, wantsStaged] = [
      await this.#isWanted('mbo', mbo.id),
      await this.#isWanted('mined', minedArm.id),
      await this.#isWanted('staged', staged.id),
    ];
    const isDone = !wantsMbo && !wantsMined && !wantsStaged && !(await this.#isWanted('hints', hints.id));
    if (isDone) return { fold: this.#fold.index, prepared, models };
    const first = await this.#supervise(hints.id, hints.prompt, rules);
    await measure(hints, first);
    if (wantsMbo) await measure(mbo, await this.#reinforce(mbo.id, first, rules, recipe.grpo));
    if (!wantsMined && !wantsStaged) return { fold: this.#fold.index, prepared, models };
    const mined = await this.#mine(first);
    const again = Array.from({ length: recipe.mining.times - 1 }, () => mined.again).flat();
    const second = await this.#supervise(minedArm.id, hints.prompt, rules, again);
    await measure(minedArm, second);
    if (wantsStaged) await measure(staged, await this.#reinforce(staged.id, second, rules, recipe.staged));
    return { fold: this.#fold.index, prepared, models, mined };
  }

  /** Whether a model is requested or exists. @param stage - the name of its evaluation */
  async #isWanted(model: ModelId, stage: string): Promise<boolean> {
    return (
      this.#context.models.includes(model) || (await readIfThere(join(this.#folder, `${stage}.json`))) !== undefined
    );
  }

  /** An instruction refined on the training pairs, with its lexicon. */
  async #refine(): Promise<OwnRules> {
    return measuredOnce(this.#folder, 'rules', ownRulesSchema, async () => {
      const { train, dev } = this.#split;
      const lexicon = induceLexicon(this.#fold.learn.documents);
      const typed = (pairs: readonly JudgedPair[]): JudgedPair[] =>
        pairs.map((pair) => readPair({ lexicon, readsTitles: true }, pair));
      const { last } = await runPiar(
        { train: typed(train), dev: typed(dev), test: () => typed(this.#test), lexicon },
        startInstruction(this.#context.recipe.scaleSize),
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

  /** The baselines, and the annotators' judgments of the test pairs. */
  async #prepare(own: OwnRules): Promise<FoldResult['prepared']> {
    return measuredOnce(this.#folder, 'baselines', PreparedFoldSchema, () => {
      const { whole, annotations } = this.#context;
      const { train } = this.#split;
      const rules = rulesOf(own, currentFolding());
      const { majority, random, bm25, instruction } = baselinesOf(train, this.#test, whole.documents, rules);
      const { counts } = synthesiseTraces(
        rules.instruction,
        rules.lexicon,
        train.map((pair) => readPair(rules, pair)),
      );
      const { pairs, traced, contradicting, uncovered } = counts;
      return Promise.resolve({
        rules: own.instruction.rules.length,
        traces: { pairs, traced, contradicting, uncovered },
        baselines: { majority, random, BM25: bm25, 'refined instruction': instruction },
        people: this.#test.flatMap(({ queryId, document }) =>
          annotatorPairs(annotations.of(queryId, document.docId) ?? []),
        ),
      });
    });
  }

  /**
   * A model of labels and, where the rules agree, reasons, from new weights.
   *
   * @param again - indices of training pairs to repeat
   */
  async #supervise(
    id: string,
    prompt: ModelArm['prompt'],
    rules: OwnRules,
    again: readonly number[] = [],
  ): Promise<string> {
    const { recipe, device, signal } = this.#context;
    const { learn, index } = this.#fold;
    const experiment = parseConfig('The recipe', SftExperimentSchema, {
      name: `${recipe.id}-${id}-${index + 1}`,
      preset: 'lab-nano',
      data: { ...this.#data, rules },
      prompt: { scaleSize: recipe.scaleSize, folding: CURRENT_FOLDING, ...prompt, maxWordsPerField: recipe.words },
      sft: recipe.sft,
      wordSplitShare: 0.1,
      devPairs: 300,
    });
    const run = { out: join(this.#folder, id), dtype: 'f32', device, signal } as const;
    return supervisedOnce(experiment, run, async (saved) => {
      const prepared = await prepareSft(experiment, { saved, findData: () => Promise.resolve(learn), signal });
      return {
        ...prepared,
        examples: [...prepared.examples, ...again.flatMap((place) => prepared.examples[place] ?? [])],
      };
    });
  }

  /** What a model finds hard among its training pairs; everything is listed in a file. */
  async #mine(folder: string): Promise<MinedFold> {
    return measuredOnce(this.#folder, 'mined', MinedFoldSchema, () =>
      withModel(folder, async (model) => {
        const { recipe, signal } = this.#context;
        const { samples, maxTokens, share } = recipe.mining;
        const { experts } = expertsOf(model, withStandingOf(this.#fold.learn, this.#split.train, model.prompt));
        const mined = await minePairs(model, experts, { samples, maxTokens, seed: SEED, signal });
        await writeWhole(join(this.#folder, 'mined.jsonl'), [...minedLines('jsonl', mined)].join(''));
        const placeOf = new Map(experts.map(({ pair }, place) => [pair, place]));
        const { pairs, completions, rightShare, hard, hardNegatives } = mined.counts;
        const most = Math.floor((share * experts.length) / 2);
        const chosen = [
          ...mined.samples.slice(0, most).map(({ pair }) => pair),
          ...mined.negatives.slice(0, most).map(({ negative }) => negative),
        ];
        const places = new Set(chosen.flatMap((pair) => placeOf.get(pair) ?? []));
        note(`${hard} hard pairs, ${hardNegatives} hard negatives; ${places.size} pairs come again.`);
        return {
          again: [...places].toSorted((a, b) => a - b),
          found: { pairs, completions, rightShare, hard, hardNegatives },
        };
      }),
    );
  }

  /** A model trained further by reinforcement with the expert loss. */
  async #reinforce(id: string, startFolder: string, rules: OwnRules, settings: RealRecipe['grpo']): Promise<string> {
    const out = join(this.#folder, id);
    return modelOnce(out, async () => {
      const { recipe, device, signal } = this.#context;
      const { learn: given, index } = this.#fold;
      const experiment = parseConfig('The recipe', GrpoExperimentSchema, {
        ...settings,
        name: `${recipe.id}-${id}-${index + 1}`,
        data: { ...this.#data, rules },
      });
      const saved = await new RunFolder(out).readCheckpoint();
      const start = await readStartModel(startFolder);
      return reinforceToFolder(experiment, start, { out, saved, given, device, startFolder, signal });
    });
  }

  /** Evaluates a model on the test queries, which were not used for any choice. */
  async #evaluate(id: string, folder: string): Promise<FoldResult['models'][string]> {
    return measuredOnce(this.#folder, id, ModelResultSchema, () =>
      withModel(folder, async (model) => {
        const { whole, signal } = this.#context;
        const pairs = withStandingOf(whole, this.#test, model.prompt);
        const predictions = await predictionsOf(model, pairs, ({ label, score }) => ({ label, score }), signal);
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
      }),
    );
  }
}
