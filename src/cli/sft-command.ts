/**
 * `lab sft`: trains a model on the rule world, resumable, and writes a model folder.
 */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Command, Option } from 'commander';
import { LabError } from '../common/errors.ts';
import { Rng } from '../common/rng.ts';
import { countParameters } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import { PRESET_NAMES } from '../config/presets.ts';
import { makeLabFile } from '../experiment/lab-file.ts';
import {
  type CurvePoint,
  readSftCheckpoint,
  type SftCheckpoint,
  writeSftCheckpoint,
} from '../experiment/sft-checkpoint.ts';
import { prepareSft, type PreparedSft, type SftExperiment, SftExperimentSchema } from '../experiment/sft-experiment.ts';
import type { OpenedBackend } from '../gpu/device.ts';
import type { ModelCard } from '../infer/model-card.ts';
import type { Transformer } from '../model/transformer.ts';
import { initialWeights, loadWeights, readWeights } from '../model/weights.ts';
import { evaluate } from '../train/evaluate.ts';
import { trainSft } from '../train/sft.ts';
import { STORED_DTYPES, type StoredDtype, writeModelFolder, writeWhole } from './model-folder.ts';
import { type BackendName, openNodeBackend } from './node-backend.ts';
import { backendOption, positiveNumber, wholeNumber } from './options.ts';
import { note, print, Progress } from './terminal.ts';

interface SftOptions {
  readonly out: string;
  readonly name: string;
  readonly preset: (typeof PRESET_NAMES)[number];
  readonly steps: number;
  readonly batch: number;
  readonly lr: number;
  readonly labelWeight: number;
  readonly seed: number;
  readonly worldSeed: number;
  readonly trainQueries: number;
  readonly hints: boolean;
  readonly dtype: StoredDtype;
  readonly backend: BackendName;
  readonly resume?: boolean;
}

export function sftCommand(): Command {
  return new Command('sft')
    .description('train a model on the rule world by supervised fine-tuning')
    .requiredOption('-o, --out <folder>', 'where the run is kept: checkpoint, log and, at the end, the model folder')
    .option('--name <name>', 'the name of the model', 'afrl-lab')
    .addOption(new Option('--preset <name>', 'the shape of the model').choices(PRESET_NAMES).default('nano'))
    .option('--steps <n>', 'optimizer updates', wholeNumber(1), 2000)
    .option('--batch <n>', 'pairs per update', wholeNumber(1), 64)
    .option('--lr <x>', 'peak learning rate', positiveNumber, 3e-3)
    .option('--label-weight <x>', 'loss weight of the label token', positiveNumber, 1)
    .option('--seed <n>', 'seed of weights and data order', wholeNumber(0), 1)
    .option('--world-seed <n>', 'seed of the rule world', wholeNumber(0), 1)
    .option('--train-queries <n>', 'training queries, six pairs each', wholeNumber(1), 10_000)
    .option('--no-hints', 'prompts without hint tokens')
    .addOption(new Option('--dtype <type>', 'how the model is stored').choices(STORED_DTYPES).default('f16'))
    .addOption(backendOption())
    .option('--resume', 'go on from the checkpoint in --out; the run keeps its own settings')
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- sft --preset lab-nano --steps 300 --out runs/first
  npm run lab -- sft --out runs/first --resume`,
    )
    .action(runSft);
}

async function runSft(options: SftOptions): Promise<void> {
  const checkpointPath = join(options.out, 'checkpoint.safetensors');
  const saved = options.resume === true ? await readCheckpoint(checkpointPath) : undefined;
  const experiment = saved?.experiment ?? experimentOf(options);
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  await mkdir(options.out, { recursive: true });

  const prepared = prepareSft(experiment, saved?.tokenizer);
  const { tokenizer, world, examples, dev } = prepared;
  const { instruction, lexicon, tailRules } = world;
  if (saved !== undefined && saved.worldHash !== world.versionHash)
    throw otherWorld(saved.worldHash, world.versionHash);
  const weights = saved?.state.weights ?? initialWeights(prepared.model, new Rng(experiment.sft.seed));
  const model: Transformer = { config: prepared.model, weights: loadWeights(prepared.model, weights) };
  note(
    `${experiment.preset}: ${countParameters(prepared.model).toLocaleString('en')} parameters, ` +
      `${examples.length.toLocaleString('en')} training pairs, world ${world.versionHash}.`,
  );

  const curve: CurvePoint[] = [...(saved?.curve ?? [])];
  const tokensBefore = saved?.tokens ?? 0;
  let tokens = tokensBefore;
  let lossNats = NaN;
  const progress = new Progress('Steps');
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());

  await trainSft(experiment.sft, {
    model,
    examples,
    resume: saved?.state,
    signal: controller.signal,
    onLog: (entry) => {
      tokens = tokensBefore + entry.tokens;
      lossNats = entry.lossNats;
      progress.update(entry.step, experiment.sft.steps, `loss ${entry.lossNats.toFixed(3)} nats`);
      void appendFile(join(options.out, 'log.jsonl'), `${JSON.stringify(entry)}\n`);
    },
    onEvaluate: async (step) => {
      const result = await evaluate(
        { instruction, lexicon, tailRules, transformer: model, tokenizer, prompt: experiment.prompt },
        dev,
        {
          completions: 200,
        },
      );
      const devAccuracy = result.labels.accuracy.value ?? NaN;
      curve.push({ step, tokens, lossNats, devAccuracy, devLossNats: result.expertLossNats });
      note(
        `\nStep ${step}: held-out accuracy ${devAccuracy.toFixed(3)}, expert loss ${result.expertLossNats.toFixed(3)} ` +
          `nats, valid traces ${(result.reasoning?.validTraces ?? NaN).toFixed(3)}, ` +
          `strict reward ${(result.reasoning?.strictReward ?? NaN).toFixed(3)}.`,
      );
    },
    onCheckpoint: async (state) => {
      await writeWhole(
        checkpointPath,
        writeSftCheckpoint({ experiment, tokenizer, worldHash: world.versionHash, state, tokens, curve }),
      );
    },
  });
  progress.end();
  await exportModel(options, experiment, prepared, model, opened, tokens, curve);
  print(join(options.out, 'model'));
}

function experimentOf(options: SftOptions): SftExperiment {
  return parseConfig('The settings', SftExperimentSchema, {
    name: options.name,
    preset: options.preset,
    world: { seed: options.worldSeed, trainQueries: options.trainQueries },
    prompt: { hints: options.hints },
    sft: {
      steps: options.steps,
      batchSize: options.batch,
      learningRate: options.lr,
      labelWeight: options.labelWeight,
      seed: options.seed,
      warmupSteps: Math.min(100, Math.ceil(options.steps / 10)),
    },
  });
}

async function readCheckpoint(path: string): Promise<SftCheckpoint> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new LabError('not-found', {
      message: `There is no checkpoint to resume at ${path}.`,
      fix: 'Start the run without --resume.',
      cause,
    });
  }
  return readSftCheckpoint(bytes);
}

function otherWorld(saved: string, now: string): LabError {
  return new LabError('bad-checkpoint', {
    message: 'The rule world has changed since this run was saved, so going on would not be the same run.',
    expected: `world ${saved}`,
    got: `world ${now}`,
    fix: 'Resume with the version of the lab that began the run, or start a new one.',
  });
}

async function exportModel(
  { out, dtype }: SftOptions,
  experiment: SftExperiment,
  { world, tokenizer, model: config, examples }: PreparedSft,
  model: Transformer,
  opened: OpenedBackend,
  tokens: number,
  curve: readonly CurvePoint[],
): Promise<void> {
  const card: ModelCard = {
    schemaVersion: 1,
    name: experiment.name,
    description:
      'Judges a product document for a query on four labels: first the label, then a trace of the rules that decide it.',
    parameters: countParameters(config),
    dtype,
    data: { name: `rule world, seed ${world.config.seed}`, hash: world.versionHash, trainPairs: examples.length },
    training: {
      command: commandOf(experiment),
      seed: experiment.sft.seed,
      steps: experiment.sft.steps,
      tokens,
      device: `${opened.backend}, ${opened.device}`,
      date: new Date().toISOString().slice(0, 10),
    },
    evaluation: null,
    curve: [...curve],
    limits: [
      'Trained on generated product pairs only: labels on other text are extrapolation.',
      ...(experiment.prompt.hints
        ? ['Reads hint tokens: computed word and number overlaps between query and fields.']
        : []),
    ],
  };
  const lab = makeLabFile(world, experiment.prompt);
  await writeModelFolder(join(out, 'model'), {
    config,
    weights: await readWeights(model.weights),
    dtype,
    tokenizer,
    lab,
    card,
  });
}

/** The command that makes a run again. */
function commandOf({ name, preset, world, prompt, sft }: SftExperiment): string {
  return [
    `npm run lab -- sft --name ${name} --preset ${preset} --steps ${sft.steps} --batch ${sft.batchSize}`,
    `--lr ${sft.learningRate} --label-weight ${sft.labelWeight} --seed ${sft.seed} --world-seed ${world.seed}`,
    `--train-queries ${world.trainQueries}${prompt.hints ? '' : ' --no-hints'} --out runs/${name}`,
  ].join(' ');
}
