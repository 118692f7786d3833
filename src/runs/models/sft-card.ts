/**
 * The model card of a supervised run, finished or not.
 */
import { countParameters, type ModelConfig } from '../../config/model-config.ts';
import { type KeptQueries, mergeQueries } from '../../data/trained-queries.ts';
import type { ModelCard } from '../../infer/model-card.ts';
import type { FileData, SftExperiment } from '../../protocol/sft-experiment.ts';

/** Card entries besides the settings of the run. */
export interface CardFacts {
  /** The version of the training data. */
  readonly dataHash: string;
  readonly model: ModelConfig;
  /** The card of the model that the run continued. */
  readonly start?: ModelCard | undefined;
  readonly trainPairs: number;
  /** The training queries of a file, where known. */
  readonly queries?: KeptQueries | undefined;
  /** Updates made. */
  readonly steps: number;
  /** Input tokens learned from, without padding. */
  readonly tokens: number;
  readonly curve: readonly ModelCard['curve'][number][];
  /** How the weights are stored. */
  readonly dtype: string;
  /** The backend and the device of the run. */
  readonly device: string;
  /** As YYYY-MM-DD. */
  readonly date: string;
}

/** The card without an evaluation, which is made from the stored model (`lab eval --write-card`). */
export function makeModelCard(experiment: SftExperiment, facts: CardFacts): ModelCard {
  const { dataHash, model, start, trainPairs, queries, steps, tokens, curve, dtype, device, date } = facts;
  const seen = queries === undefined ? start?.data.queries : mergeQueries(start?.data.queries, queries);
  return {
    schemaVersion: 1,
    name: experiment.name,
    description: start?.description ?? descriptionOf(experiment),
    parameters: countParameters(model),
    dtype,
    data: {
      ...dataOf(experiment),
      hash: dataHash,
      trainPairs,
      ...(seen === undefined ? {} : { queries: seen }),
      ...(experiment.replay && { replayed: experiment.replay.data }),
    },
    training: {
      command: commandOf(experiment),
      seed: experiment.sft.seed,
      steps,
      tokens,
      device,
      date,
    },
    evaluation: null,
    curve: [...curve],
    limits: start === undefined ? limitsOf(experiment) : [continuedFrom(start, experiment), ...start.limits],
    ...(start?.terms === undefined ? {} : { terms: start.terms }),
  };
}

function limitsOf(experiment: SftExperiment): string[] {
  return [
    experiment.data.kind === 'world'
      ? 'Trained on generated product pairs only: labels on other text are extrapolation.'
      : `Trained on the pairs of one file: labels on other kinds of text are extrapolation. ${reasonsOf(experiment.data)}`,
    ...(experiment.prompt.hints
      ? ['Reads hint tokens: computed word and number overlaps between query and fields.']
      : []),
  ];
}

/** What a model that continues another one learned besides, and what it may have forgotten. */
function continuedFrom({ name, data: before }: ModelCard, { data, replay }: SftExperiment): string {
  const learned = data.kind === 'world' ? 'the rule world' : `the labels of ${data.name}`;
  const repeated =
    replay === undefined
      ? `nothing of ${before.name} was repeated, so it may have forgotten some of it`
      : `${Math.round(100 * replay.share)} % of the training pairs repeated ${before.name}`;
  return `Continues ${name} on ${learned}: ${repeated}.`;
}

function descriptionOf({ data, prompt }: SftExperiment): string {
  return data.kind === 'world'
    ? 'Judges a product document for a query on four labels: first the label, then a trace of the rules that decide it.'
    : `Judges a document for a query on ${prompt.scaleSize} labels, as people did in ${data.name}. ${reasonsOf(data)}`;
}

function reasonsOf({ rules }: FileData): string {
  return rules === undefined
    ? 'It gives no reasons.'
    : `It gives the reasons of "${rules.instruction.name}" where it learned that they lead to the label.`;
}

function dataOf({ data }: SftExperiment): Pick<ModelCard['data'], 'name' | 'split' | 'grades'> {
  return data.kind === 'world' ? { name: `rule world, seed ${data.seed}` } : dataOfFile(data);
}

/** What a card says of a file that a model has learned from. */
export function dataOfFile(file: Omit<FileData, 'rules'>): Pick<ModelCard['data'], 'name' | 'split' | 'grades'> {
  const { name, devShare, testShare, splitSeed, grades } = file;
  const split = { devShare, testShare, seed: splitSeed };
  return { name: `the file ${name}`, split, ...(grades === '' ? {} : { grades }) };
}

/** The command that reproduces a run. */
function commandOf({ name, preset, data, prompt, sft, start, replay }: SftExperiment): string {
  return [
    `npm run lab -- sft --name ${name} ${start === undefined ? `--preset ${preset}` : `--start ${start.name}`}`,
    ...(replay === undefined ? [] : [`--replay-share ${replay.share}`]),
    `--steps ${sft.steps} --batch ${sft.batchSize}`,
    ...(sft.accumulation === 1 ? [] : [`--accumulation ${sft.accumulation}`]),
    ...(sft.precision === 'f32' ? [] : [`--precision ${sft.precision}`]),
    `--lr ${sft.learningRate} --label-weight ${sft.labelWeight} --seed ${sft.seed}`,
    ...(data.kind === 'world'
      ? [`--world-seed ${data.seed} --train-queries ${data.trainQueries}`]
      : [
          `--data ${JSON.stringify(data.name)}`,
          ...(start === undefined ? [`--scale ${prompt.scaleSize}`] : []),
          `--dev-share ${data.devShare}`,
          `--test-share ${data.testShare} --split-seed ${data.splitSeed}`,
          ...(data.grades === '' ? [] : [`--grade ${JSON.stringify(data.grades)}`]),
          ...(data.rules === undefined ? [] : ['--rules instruction.json']),
        ]),
    ...(prompt.hints || start !== undefined ? [] : ['--no-hints']),
    ...(prompt.standing && start === undefined ? ['--standing'] : []),
    `--out runs/${name}`,
  ].join(' ');
}
