/**
 * The model that a supervised run continues. The run has its shape, its tokenizer and its prompts, and so has the model
 * that comes of it; checkpoints keep all of it, because where they are read the start may be gone.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { type ModelConfig, ModelConfigSchema } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import {
  type LabFile,
  LabFileSchema,
  type ModelSource,
  type ModelVectors,
  readLabModel,
  readModelJson,
  readWeightTensors,
  rulesOfLab,
  vectorsOf,
} from '../infer/lab-model.ts';
import { type ModelCard, ModelCardSchema } from '../infer/model-card.ts';
import type { TensorData } from '../model/weights.ts';
import type { SftExperiment } from '../protocol/sft-experiment.ts';
import { textFolding } from '../relevance/pair/text-folding.ts';
import { canonicalJson } from '../relevance/rules/instruction.ts';
import { noRules, type Rules } from '../relevance/rules/rules.ts';
import { checkWeightsHash, hashWeights } from './weights-hash.ts';

/** A start without its weights. */
export interface SftStart {
  readonly config: ModelConfig;
  readonly tokenizer: ModelTokenizer;
  readonly lab: LabFile;
  readonly card: ModelCard;
  readonly vectors: ModelVectors | undefined;
}

/** A start with which a run begins. */
export interface WeighedStart extends SftStart {
  readonly weights: ReadonlyMap<string, TensorData>;
  /** Of the weights. */
  readonly hash: string;
}

/** What a checkpoint keeps of a start besides tokenizer and vectors. */
export const KeptStartSchema = v.strictObject({ config: ModelConfigSchema, lab: LabFileSchema, card: ModelCardSchema });
export type KeptStart = v.InferOutput<typeof KeptStartSchema>;

/** A start from the files of its model. @throws {LabError} what `readLabModel` throws; `bad-config` if it is quantised */
export async function readSftStart(files: ModelSource): Promise<WeighedStart> {
  const read = readLabModel(files);
  const { config, tokenizer, card, vectors } = read;
  const weights = await readWeightTensors(read);
  const lab = parseConfig('lab.json', LabFileSchema, readModelJson(files, 'lab.json'));
  return { config, tokenizer, lab, card, vectors, weights, hash: hashWeights(weights) };
}

/** The part that a checkpoint keeps as text. */
export function keptStart({ config, lab, card }: SftStart): KeptStart {
  return { config, lab, card };
}

/** A start from what a checkpoint keeps. @param vectors - the bytes of their file */
export function startKept(kept: KeptStart, tokenizer: ModelTokenizer, vectors: Uint8Array | undefined): SftStart {
  return { ...kept, tokenizer, vectors: vectorsOf(kept.lab, vectors) };
}

/** The rules of a start on a scale: those that it has learned, or none on another scale than theirs. */
export function rulesOfStart({ lab }: SftStart, scaleSize: number): Rules {
  const { prompt } = lab;
  return scaleSize === prompt.scaleSize ? rulesOfLab(lab) : noRules(scaleSize, textFolding(prompt.folding));
}

/** The numbers of labels that a start can be asked for, its own first. */
export function scalesOfStart({ lab }: Pick<SftStart, 'lab'>): readonly number[] {
  return [lab.prompt.scaleSize, ...lab.otherScales.map(({ names }) => names.length)];
}

/**
 * Checks that a run has the start that its settings name, and prompts that the start can read.
 *
 * @throws {LabError} `bad-config`
 */
export function checkStart(
  { start: named, prompt, data }: SftExperiment,
  start: SftStart | WeighedStart | undefined,
): void {
  if (named === undefined && start === undefined) return;
  if (named === undefined || start === undefined) {
    const [expected, got] = named === undefined ? ['no start', 'one'] : [`the model "${named.name}"`, 'none'];
    throw new LabError('bad-config', {
      message: 'The settings of the run and its start do not go together.',
      expected,
      got,
      fix: 'Begin the run again from the model that it continues.',
    });
  }
  if ('hash' in start) checkWeightsHash('start', named.hash, start.hash);
  if (data.kind === 'file' && data.rules !== undefined) {
    throw new LabError('bad-config', {
      message: `A run that continues ${named.name} has its rules.`,
      expected: 'no rules of its own',
      got: `"${data.rules.instruction.name}"`,
      fix: 'Leave them out, or train a new model with them.',
    });
  }
  const own = start.lab.prompt;
  const isAsked = scalesOfStart(start).includes(prompt.scaleSize);
  const differing = (Object.keys({ ...own, ...prompt }) as (keyof typeof own)[]).filter(
    (key) => key !== 'scaleSize' && canonicalJson(own[key] ?? null) !== canonicalJson(prompt[key] ?? null),
  );
  if (isAsked && differing.length === 0) return;
  throw new LabError('bad-config', {
    message: `A run that continues ${named.name} has its prompts.`,
    expected: isAsked ? 'no settings of the prompt' : `${scalesOfStart(start).join(' or ')} labels`,
    got: isAsked ? differing.map((key) => `prompt.${key}`).join(', ') : String(prompt.scaleSize),
    fix: isAsked ? 'Leave them out.' : 'Say what the grades mean on its labels, or train a new model.',
  });
}
