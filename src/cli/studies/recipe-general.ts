/**
 * `lab recipe general`: the general model (studies/judged/general-recipe.ts) by folds, compared with BM25 and with
 * models that learned from one set only. Every model and every fold's predictions are a folder or file that is made
 * once.
 */
import { join } from 'node:path';
import type { DataSet } from '../../data/files/data-set.ts';
import {
  GENERAL_SCALE,
  GENERAL_SETS,
  generalExperiment,
  type GeneralPart,
  generalParts,
  judgeOf,
  prepareGeneral,
} from '../../studies/judged/general-recipe.ts';
import { describeGeneral, generalLab, withMeasures } from '../../studies/judged/general-card.ts';
import {
  ENCODED_SYSTEMS,
  GENERAL_SYSTEMS,
  type GeneralFold,
  type GeneralPredictions,
  GeneralPredictionsSchema,
  setResults,
} from '../../studies/judged/general-results.ts';
import { countReasons, REASON_DECODINGS, type Reasons, ReasonsSchema } from '../../studies/judged/general-reasons.ts';
import { refineGeneral } from '../../studies/judged/general-rules.ts';
import type { MonotoneJudge } from '../../studies/judged/monotone-judge.ts';
import { baselinesOf } from '../../studies/judged/real-baselines.ts';
import { countQueries, evenly, type RealRecipe, SET_FILES } from '../../studies/judged/real-data.ts';
import { alone } from '../../relevance/prompt/listed.ts';
import type { ModelCard } from '../../infer/model-card.ts';
import { LabError } from '../../common/errors.ts';
import { readVectors, StaticVectors } from '../../vectors/static-vectors.ts';
import { mapLabel } from '../../relevance/metrics/label-report.ts';
import { noRules } from '../../relevance/rules/rules.ts';
import { currentFolding } from '../../relevance/pair/text-folding.ts';
import type { EncoderOptions } from '../encoder-folder.ts';
import { writeCard } from '../model-folder.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { SftExperiment } from '../../protocol/sft-experiment.ts';
import { readDataFiles } from '../pair-files.ts';
import { measuredOnce, readIfThere } from '../runs/read-files.ts';
import { RunFolder } from '../runs/run-folder.ts';
import { note, print } from '../terminal.ts';
import { type GeneralEncoder, openGeneralEncoder } from './general-encoder.ts';
import { meaningPredictions } from './general-predictions.ts';
import { supervisedOnce, withModel } from './stages.ts';
import { checkStudy, runStudy, type StudySession } from './study.ts';

interface GeneralOptions extends EncoderOptions {
  readonly vectors: string;
  readonly folds?: number;
  readonly runs: string;
  readonly out: string;
  readonly force?: boolean;
  readonly backend: BackendChoice;
}

/** The results of one fold, by set. */
type FoldOutcome = ReadonlyMap<string, GeneralFold>;

/** Test pairs of each set and fold whose reasons are written. */
const REASONED_PAIRS = 300;

export async function runGeneral(root: string, options: GeneralOptions): Promise<void> {
  await checkStudy(
    'general',
    options,
    GENERAL_SETS.map(({ id }) => join(root, id)),
  );
  const file = await readVectorsFile(options.vectors);
  const vectors = { file, source: new StaticVectors(readVectors(file), currentFolding()) };
  const encoder = await openGeneralEncoder(vectors.source, options);
  const sets: { readonly set: RealRecipe; readonly whole: DataSet; readonly parts: readonly GeneralPart[] }[] = [];
  for (const set of GENERAL_SETS) {
    const files = { docs: join(root, set.id, SET_FILES.documents), column: {} };
    const whole = await readDataFiles([join(root, set.id, SET_FILES.pairs)], files);
    const parts = await generalParts(set, whole, vectors);
    await encoder?.read(set, parts);
    sets.push({ set, whole, parts: parts.slice(0, options.folds) });
  }
  // Models of one set use the first fold, because all queries of the set are new to the other set.
  const first = sets.flatMap(({ parts }) => parts.slice(0, 1));
  const folds = [...(sets[0]?.parts ?? []).keys()];
  const path = await runStudy<FoldOutcome>(options, (session) => {
    const runs = new GeneralRuns(join(options.runs, 'general'), file, encoder, session);
    const runOfFold = (fold: number) => (): Promise<FoldOutcome | undefined> =>
      runs.fold(
        fold,
        sets.flatMap(({ parts }) => parts[fold] ?? []),
        first,
      );
    return {
      arms: [{ name: 'general', runs: folds.map(runOfFold) }],
      results: async ([arm]) => ({
        id: 'general',
        device: session.device,
        commit: session.commit,
        config: await generalExperiment('general', first),
        ...(encoder === undefined ? {} : { encoder: encoder.identity }),
        sets: sets.map(({ set, whole }) => {
          const outcomes = (arm?.outcomes ?? []).flatMap((each) => each.get(set.id) ?? []);
          const found = setResults(set, outcomes, countQueries(whole));
          note(`${set.id}: ${found.verdict}`);
          return found;
        }),
      }),
    };
  });
  if (path !== undefined) print(`${path}.md`);
}

/** @throws {LabError} `not-found` */
async function readVectorsFile(path: string): Promise<Uint8Array> {
  const file = await readIfThere(path);
  if (file !== undefined) return file;
  throw new LabError('not-found', {
    message: `There are no vectors at ${path}.`,
    fix: 'Make them with "lab recipe vectors", or name their file with --vectors.',
  });
}

/** The models and predictions of the recipe on disk. */
class GeneralRuns {
  readonly #root: string;
  readonly #vectors: Uint8Array;
  readonly #encoder: GeneralEncoder | undefined;
  readonly #session: StudySession;
  /** By the name of the model that learns from it. */
  readonly #judges = new Map<string, MonotoneJudge>();

  /** @param vectors - the file that goes with each model */
  constructor(root: string, vectors: Uint8Array, encoder: GeneralEncoder | undefined, session: StudySession) {
    this.#root = root;
    this.#vectors = vectors;
    this.#encoder = encoder;
    this.#session = session;
  }

  /**
   * The predictions of all systems for the test queries of a fold, and the model's reasons, by set.
   *
   * @param parts - the fold of every set
   * @param firstParts - of each set the part that a model of this set alone learns from
   * @returns undefined if another process works on the fold, or on a model that it needs
   */
  async fold(
    fold: number,
    parts: readonly GeneralPart[],
    firstParts: readonly GeneralPart[],
  ): Promise<FoldOutcome | undefined> {
    note(`Fold ${fold + 1}.`);
    const folders = new Map<string, string>();
    for (const part of firstParts) {
      const name = `${part.set.id}-alone`;
      const folder = await new RunFolder(join(this.#root, name)).alone(() => this.#train(name, [part]));
      if (folder === undefined) return undefined;
      folders.set(part.set.id, folder);
    }
    const name = `fold-${fold + 1}`;
    return new RunFolder(join(this.#root, name)).alone(async () => {
      const folder = await this.#train(name, parts);
      const outcome = new Map<string, GeneralFold>();
      for (const part of parts) {
        const other = firstParts.find(({ set }) => set.id !== part.set.id);
        const otherFolder = other === undefined ? undefined : folders.get(other.set.id);
        const predictions = await this.#predict(name, part, parts, folder, otherFolder);
        outcome.set(part.set.id, { predictions, reasons: await this.#reason(name, part, folder) });
      }
      if (fold === 0) await this.#writeMeasures(folder, parts, outcome);
      return outcome;
    });
  }

  /** The folder of a model of some parts, trained if it does not exist yet. */
  async #train(name: string, parts: readonly GeneralPart[]): Promise<string> {
    const { device, signal } = this.#session;
    const experiment = await generalExperiment('general', parts);
    const run = {
      out: join(this.#root, name),
      describe: (card: ModelCard) => describeGeneral(card, parts),
      lab: generalLab(parts),
      vectors: this.#vectors,
      dtype: 'f16',
      device,
      signal,
    } as const;
    return supervisedOnce(experiment, run, async () => {
      const rules = await refineGeneral(parts, GENERAL_SCALE, signal);
      for (const { text, cap } of rules.instruction.rules) note(`Rule: ${text} At most ${cap}.`);
      return prepareGeneral(experiment, parts, rules, this.#judge(name, parts, experiment));
    });
  }

  /** The judge of a model, fitted once for its training and its measures. */
  #judge(name: string, parts: readonly GeneralPart[], experiment: SftExperiment): MonotoneJudge {
    const judge = this.#judges.get(name) ?? judgeOf(parts, experiment);
    this.#judges.set(name, judge);
    return judge;
  }

  /** The model's reasons for some test pairs of a part, asked on its own scale. */
  async #reason(foldName: string, { set, test }: GeneralPart, folder: string): Promise<Reasons> {
    const { id, scaleSize } = set;
    return measuredOnce(join(this.#root, foldName), `${id}-reasons`, ReasonsSchema, () =>
      withModel(folder, async (model) => {
        const pairs = evenly(test, REASONED_PAIRS).map((pair) => {
          return { ...pair, label: mapLabel(pair.label, scaleSize, GENERAL_SCALE) };
        });
        const found: Reasons = [];
        for (const decoding of REASON_DECODINGS) {
          const { signal } = this.#session;
          const [listed, single] = [
            await countReasons(model, pairs, decoding, signal),
            await countReasons(model, pairs.map(alone), decoding, signal),
          ];
          found.push({ asked: 'in its list', decoding, ...listed }, { asked: 'by itself', decoding, ...single });
        }
        return found;
      }),
    );
  }

  /** The predictions of all systems for the test queries of a part. */
  async #predict(
    foldName: string,
    { set, train, test, documents }: GeneralPart,
    parts: readonly GeneralPart[],
    folder: string,
    otherFolder: string | undefined,
  ): Promise<GeneralPredictions> {
    const { id, scaleSize } = set;
    const stage = join(this.#root, foldName);
    const { signal } = this.#session;
    const experiment = await generalExperiment('general', parts);
    const { prompt } = experiment;
    const asked = { set, folder, otherFolder, prompt, signal };
    const judge = (): MonotoneJudge => this.#judge(foldName, parts, experiment);
    const found = await measuredOnce(stage, id, GeneralPredictionsSchema, async () => {
      const { majority, random, bm25 } = baselinesOf(train, test, documents, noRules(scaleSize, currentFolding()));
      const { majority: most, random: drawn, bm25: words } = GENERAL_SYSTEMS;
      const read = await meaningPredictions(GENERAL_SYSTEMS, { ...asked, train, test, judge: judge() });
      return { [most]: majority, [drawn]: random, [words]: bm25, ...read };
    });
    if (this.#encoder === undefined) return found;
    const { reread, stageOf } = this.#encoder;
    const encoded = await measuredOnce(stage, stageOf(id), GeneralPredictionsSchema, () =>
      meaningPredictions(ENCODED_SYSTEMS, {
        ...asked,
        train: reread(set, train),
        test: reread(set, test),
        judge: judge(),
      }),
    );
    return { ...found, ...encoded };
  }

  /** Writes the measurements into the card of a model. */
  async #writeMeasures(folder: string, parts: readonly GeneralPart[], outcome: FoldOutcome): Promise<void> {
    const card = await withModel(folder, (model) => Promise.resolve(model.card));
    const measured = parts.flatMap(({ set }) => {
      const found = outcome.get(set.id);
      return found === undefined ? [] : [setResults(set, [found], 0)];
    });
    await writeCard(folder, withMeasures(card, measured));
  }
}
