/**
 * `lab sft`: trains a model on the rule world, resumable, and writes a model folder.
 */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Command, Option } from 'commander';
import { LabError } from '../common/errors.ts';
import { countParameters } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import { PRESET_NAMES } from '../config/presets.ts';
import { makeLabFile } from '../experiment/lab-file.ts';
import { STORED_DTYPES, type StoredDtype } from '../experiment/model-files.ts';
import { makeModelCard } from '../experiment/sft-card.ts';
import { readSftCheckpoint, type SftCheckpoint, writeSftCheckpoint } from '../experiment/sft-checkpoint.ts';
import { prepareSft } from '../experiment/sft-experiment.ts';
import { runSft } from '../experiment/sft-run.ts';
import { hashWeights } from '../experiment/weights-hash.ts';
import { type SftExperiment, SftExperimentSchema } from '../protocol/sft-experiment.ts';
import { writeModelFolder, writeWhole } from './model-folder.ts';
import { type BackendName, openNodeBackend } from './node-backend.ts';
import { backendOption, positiveNumber, wholeNumber } from './options.ts';
import { note, print, Progress } from './terminal.ts';

interface SftOptions {
  readonly out: string;
  readonly name: string;
  readonly preset: (typeof PRESET_NAMES)[number];
  readonly steps: number;
  readonly batch: number;
  readonly accumulation: number;
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
    .option('--batch <n>', 'pairs per forward pass', wholeNumber(1), 64)
    .option('--accumulation <n>', 'forward passes per update', wholeNumber(1), 1)
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
    .action(trainCommand);
}

async function trainCommand(options: SftOptions): Promise<void> {
  const checkpointPath = join(options.out, 'checkpoint.safetensors');
  const saved = options.resume === true ? await readCheckpoint(checkpointPath) : undefined;
  const experiment = saved?.experiment ?? experimentOf(options);
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  await mkdir(options.out, { recursive: true });

  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  const prepared = await prepareSft(experiment, { saved, signal: controller.signal });
  note(
    `${experiment.preset}: ${countParameters(prepared.model).toLocaleString('en')} parameters, ` +
      `${prepared.examples.length.toLocaleString('en')} training pairs, world ${prepared.world.versionHash}.`,
  );

  const progress = new Progress('Steps');
  const finished = await runSft(experiment, prepared, saved, {
    signal: controller.signal,
    onLog: (entry) => {
      progress.update(entry.step, experiment.sft.steps, `loss ${entry.lossNats.toFixed(3)} nats`);
      void appendFile(join(options.out, 'log.jsonl'), `${JSON.stringify(entry)}\n`);
    },
    onEvaluate: (step, { labels, expertLossNats, reasoning }) => {
      note(
        `\nStep ${step}: held-out accuracy ${(labels.accuracy.value ?? NaN).toFixed(3)}, expert loss ` +
          `${expertLossNats.toFixed(3)} nats, valid traces ${(reasoning?.validTraces ?? NaN).toFixed(3)}, ` +
          `strict reward ${(reasoning?.strictReward ?? NaN).toFixed(3)}.`,
      );
    },
    onCheckpoint: (checkpoint) => writeWhole(checkpointPath, writeSftCheckpoint(checkpoint)),
  });
  progress.end();
  note(`Weights ${hashWeights(finished.weights)}.`);

  const { dtype } = options;
  const { world, model, tokenizer, examples } = prepared;
  await writeModelFolder(join(options.out, 'model'), {
    config: model,
    weights: finished.weights,
    dtype,
    tokenizer,
    lab: makeLabFile(world, experiment.prompt),
    card: makeModelCard(experiment, {
      world,
      model,
      trainPairs: examples.length,
      steps: experiment.sft.steps,
      tokens: finished.tokens,
      curve: finished.curve,
      dtype,
      device: `${opened.backend}, ${opened.device}`,
      date: new Date().toISOString().slice(0, 10),
    }),
  });
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
      accumulation: options.accumulation,
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
