/**
 * The model that judges a file, on the scale of the file's grades, with the warnings that a person should read before
 * relying on its scores.
 */
import { LabError } from '../../common/errors.ts';
import { sha256Hex } from '../../checkpoint/sha256.ts';
import { parseConfig } from '../../config/parse.ts';
import { describeGrades, type FoundScale } from '../../data/files/grades.ts';
import { TrainedQueries } from '../../data/trained-queries.ts';
import { type BackendHealth, watchBackend } from '../../gpu/current-backend.ts';
import { type BackendRequest, openBackend } from '../../gpu/device.ts';
import {
  disposeLabModel,
  givenModelFiles,
  type LabModel,
  loadLabModel,
  onScale,
  readLabModel,
  whyNoReasons,
} from '../../infer/lab-model.ts';
import { identityOf, isRules, type RulesModel, rulesModel } from '../../infer/rules-model.ts';
import { fetchModel } from '../../infer/model-fetch.ts';
import { onSoundBackend } from '../../infer/sound-backend.ts';
import { type FileScoring, type PrepareRequest, PrepareRequestSchema } from '../../protocol/files.ts';
import { isOwnRules, type ModelChoice } from '../../protocol/model-choice.ts';
import type { BackendChoice, LoadProgress, LoadRequest } from '../../protocol/scoring.ts';
import type { LabelScale } from '../../relevance/pair/labels.ts';
import { contentWords } from '../../relevance/pair/text-folding.ts';
import { labelMapping } from '../../relevance/metrics/label-report.ts';
import { commonScaleOf, describeScales, gradeScale, gradeScaleOf, labelsFor } from '../../runs/score/score-rows.ts';
import type { JudgedRows } from './judged-rows.ts';

/** The location of tfjs's files, and the check of a backend before it is used. */
export type FileBackend = Pick<BackendRequest, 'wasmPaths' | 'findFault'>;

/** Below this share of known words, a model with rules ignores most of what the queries ask for. */
const FEW_WORDS = 0.5;

const RULES_NOTE =
  'Rules decide each label, and documents of the same label are in the order of BM25. How sure they are says nothing.';

/** A model on a backend, or rules alone, for one file. */
export interface FileModel {
  readonly model: LabModel | RulesModel;
  readonly health: BackendHealth;
  readonly scoring: FileScoring;
}

/** The own rules of a file, ready to answer. */
export interface OwnRulesModel {
  readonly model: RulesModel;
  /** Whether they were found in the grades of the file. */
  readonly isFound: boolean;
}

/** A file that is to be judged. */
interface FileToJudge {
  readonly rows: JudgedRows;
  readonly grades: string;
  readonly ownRules: OwnRulesModel | null;
}

/**
 * Loads a model.
 *
 * @param file - to judge
 * @throws {LabError} as loading does
 */
export async function loadFileModel(
  request: PrepareRequest,
  { rows, grades, ownRules }: FileToJudge,
  backend: FileBackend,
  onProgress: (progress: LoadProgress) => void,
): Promise<FileModel> {
  const { choice, load } = parseConfig('The request for a model', PrepareRequestSchema, request);
  const counts = { grades: rows.gradeCounts };
  onProgress({ stage: 'backend', receivedBytes: 0, totalBytes: null });
  const on = choice.kind === 'rules' || load === null ? NO_BACKEND : await opened(load.backend, backend);
  const { model, modelHash, silence } = isOwnRules(choice)
    ? await ownRulesIn(ownRules)
    : await answeringIn(choice, load, on.health, commonScaleOf(counts, grades), onProgress);
  const found = gradeScaleOf(counts, grades);
  const scale = gradeScale(undefined, found, model.scale);
  const trainedOn = trainedOf(model, rows);
  return {
    model,
    health: on.health,
    scoring: {
      choice,
      modelName: model.card.name,
      modelHash,
      backend: on.backend,
      ...(on.adapter !== undefined && { adapter: on.adapter }),
      labelNames: [...model.scale.names],
      rubric: [...model.scale.rubric],
      gradeNames: [...scale.names],
      gradeTexts: rows.gradeTexts(scale),
      mapping: labelMapping(model.scale, scale),
      folding: model.prompt.folding ?? 1,
      givesReasons: silence === undefined,
      trainedOn,
      warnings: [
        ...(isRules(model) ? [RULES_NOTE] : trainedWarning(model, trainedOn)),
        ...scalesWarning(found, model, scale),
        ...(isOwnRules(choice) ? foundWarning(ownRules) : wordsWarning(model, rows)),
        ...(silence === undefined ? [] : [silence]),
      ],
      pairs: rows.rows.length,
      state: 'paused',
    },
  };
}

/** A backend with its health. */
interface On {
  readonly backend: FileScoring['backend'];
  readonly adapter?: string;
  readonly health: BackendHealth;
}

/** Rules need no backend, and so none can fail. */
const NO_BACKEND: On = { backend: 'cpu', health: { fault: undefined } };

async function opened(choice: BackendChoice, request: FileBackend): Promise<On> {
  const { backend, device } = await openBackend({ ...request, backend: choice === 'auto' ? undefined : choice });
  return { backend, adapter: device, health: watchBackend() };
}

/** What answers, and why it gives no reasons; undefined if it gives some. */
interface Answering {
  readonly model: FileModel['model'];
  readonly silence: string | undefined;
}

async function ownRulesIn(own: OwnRulesModel | null): Promise<Answering & Pick<FileScoring, 'modelHash'>> {
  if (own === null) {
    throw new LabError('not-found', {
      message: 'This file has no rules of its own any more.',
      fix: 'Find some in its grades, or choose a model.',
    });
  }
  return { model: own.model, modelHash: await hashOfRules(own.model), silence: undefined };
}

/** By what scores by rules of no model are known, here and to the command line. */
export function hashOfRules(model: RulesModel): Promise<string> {
  return sha256Hex(new TextEncoder().encode(identityOf(model)));
}

/** A model, or the rules of one alone, from where it is. */
async function answeringIn(
  choice: ModelChoice,
  load: LoadRequest | null,
  health: BackendHealth,
  wanted: number | undefined,
  onProgress: (progress: LoadProgress) => void,
): Promise<Answering & Pick<FileScoring, 'modelHash'>> {
  if (load === null) throw new LabError('internal', { message: 'The thread was not told where the model is.' });
  const { source } = load;
  const files = source.kind === 'url' ? await fetchModel(source.modelUrl, onProgress) : givenModelFiles(source.files);
  onProgress({ stage: 'warm-up', receivedBytes: 0, totalBytes: null });
  const hashes = await Promise.all([...files.values()].map((bytes) => sha256Hex(new Uint8Array(bytes))));
  const answering = choice.kind === 'rules' ? rulesIn(files) : await modelIn(files, health, wanted);
  return { ...answering, modelHash: await sha256Hex(new TextEncoder().encode(hashes.join(' '))) };
}

function rulesIn(files: Parameters<typeof readLabModel>[0]): Answering {
  const facts = readLabModel(files);
  return { model: rulesModel(facts, facts.card.name), silence: undefined };
}

/** @param wanted - the number of labels that the grades have, if they are on one scale */
async function modelIn(
  files: Parameters<typeof loadLabModel>[0],
  health: BackendHealth,
  wanted: number | undefined,
): Promise<Answering> {
  const stored = await onSoundBackend(health, () => loadLabModel(files));
  const model = onScale(stored, labelsFor(stored, wanted));
  return { model, silence: whyNoReasons(stored, model) };
}

export function disposeFileModel({ model }: FileModel): void {
  if (!isRules(model)) disposeLabModel(model);
}

/** @throws {LabError} `bad-config` if the scores so far are of another model or backend */
export function checkSameScorer(before: FileScoring, now: FileScoring): void {
  if (before.modelHash === now.modelHash && before.backend === now.backend) return;
  if (isOwnRules(before.choice) && isOwnRules(now.choice)) {
    throw new LabError('bad-config', {
      message: 'The rules were changed after they had scored this file.',
      fix: 'Score the file again, or undo the changes.',
    });
  }
  const describe = ({ modelHash, backend }: FileScoring): string => `model ${modelHash.slice(0, 12)} on ${backend}`;
  throw new LabError('bad-config', {
    message: 'The scores so far were computed by another model or on another backend.',
    expected: describe(before),
    got: describe(now),
    fix: 'Score the file again.',
  });
}

function trainedOf({ card }: FileModel['model'], { rows }: JudgedRows): FileScoring['trainedOn'] {
  if (card.data.queries === undefined) return null;
  const trained = new TrainedQueries(card.data.queries);
  const different = new Map(rows.map(({ pair }) => [pair.queryId, pair.query]));
  const known = [...different.values()].flatMap((query) => trained.has(query) ?? []);
  return { queries: known.filter(Boolean).length, known: known.length };
}

function scalesWarning(found: FoundScale | undefined, model: FileModel['model'], scale: LabelScale): string[] {
  if (found === undefined) return [];
  if (found.size !== undefined) return [describeScales(found, model, scale)];
  return [
    `Grades (${describeGrades(found)}) are not on a scale that the lab knows, and are compared with nothing. ` +
      'Choose what they mean under "Columns".',
  ];
}

/** Warns of measures on the grades that rules were found in. */
function foundWarning(own: OwnRulesModel | null): string[] {
  if (own?.isFound !== true) return [];
  return [
    'These rules were found in the grades of this file, so they agree with them better than with grades of new queries. ' +
      'The figures on the test queries below are the fair ones.',
  ];
}

function trainedWarning({ card }: LabModel, trainedOn: FileScoring['trainedOn']): string[] {
  if (trainedOn === null) return [`${card.name} does not say which queries it was trained on.`];
  const { queries, known } = trainedOn;
  if (queries === 0) return [];
  const share = ((100 * queries) / known).toFixed(0);
  return [`${card.name} was trained on ${share} % of these queries: it may be worse on others.`];
}

/** Warns if a model with rules does not know most words of the queries. */
function wordsWarning({ card, lexicon, instruction }: FileModel['model'], { rows }: JudgedRows): string[] {
  if (instruction.rules.length === 0) return [];
  const phrases = [
    ...lexicon.brands,
    ...lexicon.types.keys(),
    ...lexicon.types.values(),
    ...lexicon.attributes.keys(),
    ...lexicon.audiences,
  ];
  const known = new Set(phrases.flatMap((phrase) => [...contentWords(lexicon.folding, phrase)]));
  if (known.size === 0) return []; // its rules ask for no words of their own
  const queries = new Set(rows.map(({ pair }) => pair.query));
  const asked = [...queries].flatMap((query) => [...contentWords(lexicon.folding, query)]);
  const words = asked.filter((word) => !/\d/u.test(word));
  if (words.length === 0) return [];
  const share = words.filter((word) => known.has(word)).length / words.length;
  if (share >= FEW_WORDS) return [];
  return [
    `${Math.round(100 * (1 - share))} % of the words in these queries are unknown to ${card.name}: its rules cannot use them.`,
  ];
}
