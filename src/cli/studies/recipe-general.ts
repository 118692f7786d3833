/**
 * `lab recipe general`: the general model (studies/judged/general-recipe.ts) by folds, beside BM25 and beside models that learned
 * from one set alone. Every model and every fold's predictions are a folder or file that is made once.
 */
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Command } from 'commander';
import { parseConfig } from '../../config/parse.ts';
import type { DataSet } from '../../data/files/data-set.ts';
import { normaliseQuery } from '../../data/splits.ts';
import {
  alone,
  GENERAL_SCALE,
  GENERAL_SETS,
  generalExperiment,
  type GeneralPart,
  generalParts,
  prepareGeneral,
} from '../../studies/judged/general-recipe.ts';
import { describeGeneral, generalLab, withMeasures } from '../../studies/judged/general-card.ts';
import {
  GENERAL_SYSTEMS,
  type GeneralPredictions,
  GeneralPredictionsSchema,
  generalReport,
  type GeneralResults,
  setResults,
  setSvg,
} from '../../studies/judged/general-results.ts';
import { baselinesOf, type Prediction } from '../../studies/judged/real-baselines.ts';
import type { RealRecipe } from '../../studies/judged/real-data.ts';
import { reportHtml, reportMarkdown } from '../../studies/report-blocks.ts';
import { readSftCheckpoint } from '../../runs/sft-checkpoint.ts';
import { disposeLabModel, type LabModel, onScale } from '../../infer/lab-model.ts';
import { scoreStream } from '../../infer/score-pairs.ts';
import { mapLabel } from '../../relevance/metrics/label-report.ts';
import { normalisedRelevance } from '../../relevance/pair/labels.ts';
import { noRules } from '../../relevance/rules/rules.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import { currentCommit } from '../current-commit.ts';
import { readModelFolder, writeCard, writeWhole } from '../model-folder.ts';
import { type BackendName, openNodeBackend } from '../node-backend.ts';
import { backendOption, wholeNumber } from '../options.ts';
import { readDataFiles } from '../pair-files.ts';
import { checkpointPath, trainToFolder } from '../supervised-run.ts';
import { note, print } from '../terminal.ts';

interface GeneralOptions {
  readonly folds?: number;
  readonly runs: string;
  readonly out: string;
  readonly backend: BackendName;
}

const [PAIRS, DOCUMENTS, WEIGHTS] = ['pairs.jsonl.gz', 'docs.jsonl.gz', 'model.safetensors'];

export function generalCommand(): Command {
  return new Command('general')
    .description('one model of both sets, for files that nobody has judged')
    .argument(
      '<root>',
      `the folder of ${GENERAL_SETS.map(({ id }) => id).join(' and ')}, each with ${PAIRS} and ${DOCUMENTS}`,
    )
    .option('--folds <n>', 'only so many folds are run, which is preliminary', wholeNumber(1))
    .option(
      '--runs <folder>',
      'where models and predictions are kept; those that are there are not made again',
      'runs/recipes',
    )
    .option('-o, --out <folder>', 'where results and report go', 'docs/results')
    .addOption(backendOption())
    .action(runGeneral);
}

async function runGeneral(root: string, options: GeneralOptions): Promise<void> {
  const sets: { readonly set: RealRecipe; readonly whole: DataSet; readonly parts: readonly GeneralPart[] }[] = [];
  for (const set of GENERAL_SETS) {
    const files = { docs: join(root, set.id, DOCUMENTS), column: {} };
    const whole = await readDataFiles(join(root, set.id, PAIRS), files);
    sets.push({ set, whole, parts: (await generalParts(set, whole)).slice(0, options.folds) });
  }
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  const device = `${opened.backend}, ${opened.device}`;
  const recipe = new GeneralRuns(join(options.runs, 'general'), device, controller.signal);

  // Models of one set alone come from the first fold: to the other set all of their queries are new anyway.
  const first = sets.flatMap(({ parts }) => parts.slice(0, 1));
  const single = new Map<string, string>();
  for (const part of first) single.set(part.set.id, await recipe.train(`${part.set.id}-alone`, [part]));
  const predictions = new Map<string, GeneralPredictions[]>(sets.map(({ set }) => [set.id, []]));
  for (const fold of (sets[0]?.parts ?? []).keys()) {
    note(`Fold ${fold + 1}.`);
    const parts = sets.flatMap((each) => each.parts[fold] ?? []);
    const folder = await recipe.train(`fold-${fold + 1}`, parts);
    for (const part of parts) {
      const other = first.find(({ set }) => set.id !== part.set.id);
      const otherFolder = other === undefined ? undefined : single.get(other.set.id);
      predictions.get(part.set.id)?.push(await recipe.predict(fold, part, folder, otherFolder));
    }
    if (fold === 0) await recipe.measure(folder, parts, predictions);
  }

  const results: GeneralResults = {
    id: 'general',
    device,
    commit: currentCommit(),
    config: await generalExperiment('general', first),
    sets: sets.map(({ set, whole }) => {
      const inFile = new Set(whole.pairs.map(({ query }) => normaliseQuery(query))).size;
      return setResults(set, predictions.get(set.id) ?? [], inFile);
    }),
  };
  await mkdir(options.out, { recursive: true });
  const report = generalReport(results);
  const write = (name: string, text: string): Promise<void> => writeWhole(join(options.out, name), text);
  await write('general.json', `${JSON.stringify(results, null, 1)}\n`);
  await write('general.md', reportMarkdown(report));
  await write('general.html', reportHtml(report));
  for (const set of results.sets) await write(`general-${set.id}.svg`, setSvg(set));
  for (const { id, verdict } of results.sets) note(`${id}: ${verdict}`);
  print(join(options.out, 'general.md'));
}

/** The models and predictions of the recipe on disk. */
class GeneralRuns {
  readonly #root: string;
  readonly #device: string;
  readonly #signal: AbortSignal;

  constructor(root: string, device: string, signal: AbortSignal) {
    this.#root = root;
    this.#device = device;
    this.#signal = signal;
  }

  /** The folder of a model of some parts, trained if it is not there yet. */
  async train(name: string, parts: readonly GeneralPart[]): Promise<string> {
    const out = join(this.#root, name);
    const folder = join(out, 'model');
    if (await isThere(join(folder, WEIGHTS))) return folder;
    const experiment = await generalExperiment('general', parts);
    const path = checkpointPath(out);
    return trainToFolder(experiment, {
      out,
      saved: (await isThere(path)) ? readSftCheckpoint(await readFile(path)) : undefined,
      prepared: prepareGeneral(experiment, parts),
      describe: (card) => describeGeneral(card, parts),
      lab: generalLab(parts),
      dtype: 'f16',
      device: this.#device,
      signal: this.#signal,
    });
  }

  /** What all systems say of the test queries of a part. */
  async predict(
    fold: number,
    part: GeneralPart,
    folder: string,
    otherFolder: string | undefined,
  ): Promise<GeneralPredictions> {
    const { set, train, test, documents } = part;
    const path = join(this.#root, `fold-${fold + 1}`, `${set.id}.json`);
    if (await isThere(path)) {
      return parseConfig(path, GeneralPredictionsSchema, JSON.parse(await readFile(path, 'utf8')) as unknown);
    }
    const { majority, random, bm25 } = baselinesOf(train, test, documents, noRules(set.scaleSize));
    const ask = async (of: string, pairs: readonly JudgedPair[], scaleSize: number): Promise<Prediction[]> => {
      const model = await readModelFolder(of);
      try {
        return await predictions(model, pairs, set.scaleSize, scaleSize, this.#signal);
      } finally {
        disposeLabModel(model);
      }
    };
    const systems = GENERAL_SYSTEMS;
    const found: Record<string, readonly Prediction[]> = {
      [systems.majority]: majority,
      [systems.random]: random,
      [systems.bm25]: bm25,
      [systems.general]: await ask(folder, test, set.scaleSize),
      ...(set.scaleSize === GENERAL_SCALE ? {} : { [systems.four]: await ask(folder, test, GENERAL_SCALE) }),
      [systems.alone]: await ask(folder, test.map(alone), set.scaleSize),
      ...(otherFolder === undefined ? {} : { [systems.otherSet]: await ask(otherFolder, test, GENERAL_SCALE) }),
    };
    await writeWhole(path, `${JSON.stringify(found)}\n`);
    return parseConfig(path, GeneralPredictionsSchema, found);
  }

  /** Writes what was measured into the card of a model. */
  async measure(
    folder: string,
    parts: readonly GeneralPart[],
    predictions: ReadonlyMap<string, readonly GeneralPredictions[]>,
  ): Promise<void> {
    const { card } = await this.#read(folder);
    const measured = parts.map(({ set }) => setResults(set, (predictions.get(set.id) ?? []).slice(0, 1), 0));
    await writeCard(folder, withMeasures(card, measured));
  }

  async #read(folder: string): Promise<LabModel> {
    const model = await readModelFolder(folder);
    disposeLabModel(model);
    return model;
  }
}

/** What a model says when asked on a scale, told on that of the set; scores are on [0, 1]. */
async function predictions(
  model: LabModel,
  pairs: readonly JudgedPair[],
  scaleOfSet: number,
  asked: number,
  signal: AbortSignal,
): Promise<Prediction[]> {
  const items = async function* (): AsyncGenerator<{ readonly pair: JudgedPair }> {
    for (const pair of pairs) yield await Promise.resolve({ pair });
  };
  const found: Prediction[] = [];
  for await (const { item, score } of scoreStream(onScale(model, asked), items(), signal)) {
    const { queryId, document, label: gold } = item.pair;
    const label = mapLabel(score.label, asked, scaleOfSet);
    found.push({ queryId, docId: document.docId, gold, label, score: normalisedRelevance(score.probabilities) });
  }
  return found;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
