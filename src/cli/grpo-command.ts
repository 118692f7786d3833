/**
 * `lab grpo`: reinforcement from a trained model with the expert's samples beside it, resumable, and a model folder at
 * the end. Every setting can be given in a file; the options are those one changes most.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Command, Option } from 'commander';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { collapseSince } from '../experiment/grpo-measure.ts';
import { type FinishedGrpo, runGrpo, type StartModel } from '../experiment/grpo-run.ts';
import { type PreparedGrpo, prepareGrpo } from '../experiment/grpo-task.ts';
import { makeLabFile } from '../experiment/lab-file.ts';
import type { ModelCard } from '../infer/model-card.ts';
import { type GrpoExperiment, GrpoExperimentSchema } from '../protocol/grpo-experiment.ts';
import { REWARD_KINDS } from '../relevance/reward.ts';
import type { GrpoStep } from '../train/grpo-telemetry.ts';
import { RunFolder } from './experiment-store.ts';
import { writeModelFolder } from './model-folder.ts';
import { type BackendName, openNodeBackend } from './node-backend.ts';
import { backendOption, notNegativeNumber, positiveNumber, wholeNumber } from './options.ts';
import { readStartModel } from './start-model.ts';
import { note, print, Progress, said } from './terminal.ts';

interface GrpoOptions {
  readonly out: string;
  readonly start: string;
  readonly config?: string;
  readonly steps?: number;
  readonly lambda?: number;
  readonly reward?: GrpoExperiment['reward']['kind'];
  readonly tailWeight?: number;
  readonly seed?: number;
  readonly backend: BackendName;
  readonly resume?: boolean;
}

/** The bundled model of the demonstration. */
const DEFAULT_START = 'public/models/lab-nano-start';

export function grpoCommand(): Command {
  return new Command('grpo')
    .description('train a model on by Stepwise-GRPO with mode balance')
    .requiredOption('-o, --out <folder>', 'where the run is kept: checkpoint, steps and, at the end, the model folder')
    .option('--start <folder>', 'the model folder to start from', DEFAULT_START)
    .option('--config <file>', 'all settings as JSON; what it leaves out has its default')
    .option('--steps <n>', 'batches of rollouts', wholeNumber(1))
    .option('--lambda <x>', 'the weight of the expert loss; 0 is plain GRPO', notNegativeNumber)
    .addOption(new Option('--reward <kind>', 'how completions are rewarded').choices(REWARD_KINDS))
    .option(
      '--tail-weight <x>',
      'how often prompts of rare rules are drawn: 1 as they are, 0.1 head-heavy',
      positiveNumber,
    )
    .option('--seed <n>', 'seed of prompts, rollouts and expert samples', wholeNumber(0))
    .addOption(backendOption())
    .option('--resume', 'go on from the checkpoint in --out; the run keeps its own settings')
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- grpo --lambda 0 --reward plausible --tail-weight 0.1 --out runs/collapse
  npm run lab -- grpo --config my-run.json --out runs/mine
  npm run lab -- grpo --out runs/mine --resume`,
    )
    .action(trainCommand);
}

async function trainCommand(options: GrpoOptions): Promise<void> {
  const folder = new RunFolder(options.out);
  const saved = await folder.readCheckpoint();
  if (saved === undefined && options.resume === true) throw nothingToResume(options.out);
  if (saved !== undefined && options.resume !== true) throw alreadyThere(options.out);
  const experiment = saved?.experiment ?? (await experimentOf(options));
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  const { signal } = controller;

  const start = await readStartModel(options.start);
  const prepared = await prepareGrpo(experiment, start, signal);
  note(`${prepared.task.prompts.length.toLocaleString('en')} prompts, world ${prepared.world.versionHash}.`);
  const records: GrpoStep[] = saved === undefined ? [] : await folder.readRecords(saved.state.step);
  const progress = new Progress('Steps');
  const finished = await runGrpo(experiment, prepared, start, saved, {
    signal,
    onStep: (record) => {
      records.push(record);
      progress.update(record.step, experiment.grpo.steps, `reward ${record.reward.total.toFixed(3)}`);
    },
    onMeasure: ({ step, measures: { probe, heldOut } }) =>
      note(
        `\nStep ${step}: reward ${probe.reward.toFixed(3)}, held-out accuracy ${said(heldOut.accuracy)}, tail recall ` +
          `${said(heldOut.tailRecall)}, ${heldOut.distinctRules} rules cited, label entropy ` +
          `${probe.labelEntropyNats.toFixed(3)} nats.`,
      ),
    onCheckpoint: (checkpoint) => folder.writeCheckpoint(checkpoint, records),
  });
  progress.end();
  note(verdictOn(finished));
  const device = `${opened.backend}, ${opened.device}`;
  print(await writeModel(options, experiment, { start, prepared, finished, device }));
}

interface Outcome {
  readonly start: StartModel & { readonly card: ModelCard };
  readonly prepared: PreparedGrpo;
  readonly finished: FinishedGrpo;
  readonly device: string;
}

async function writeModel(options: GrpoOptions, experiment: GrpoExperiment, outcome: Outcome): Promise<string> {
  const { start, prepared, finished, device } = outcome;
  const { card } = start;
  const folder = join(options.out, 'model');
  const { generated, learned, expert } = finished.tokens;
  const reinforced: ModelCard = {
    ...card,
    name: experiment.name,
    dtype: 'f16',
    data: { ...card.data, trainPairs: prepared.task.prompts.length },
    training: {
      command: `npm run lab -- grpo --start ${options.start} --config experiment.json --out ${options.out}`,
      seed: experiment.grpo.seed,
      steps: experiment.grpo.steps,
      tokens: learned + expert,
      device,
      date: new Date().toISOString().slice(0, 10),
    },
    evaluation: null,
    curve: [],
    limits: [
      `Trained on from ${card.name} by reinforcement: ${generated.toLocaleString('en')} tokens sampled, reward ` +
        `"${experiment.reward.kind}".`,
      ...card.limits,
    ],
  };
  await writeModelFolder(folder, {
    config: start.config,
    weights: finished.weights,
    dtype: 'f16',
    tokenizer: start.tokenizer,
    lab: makeLabFile(prepared.world, start.prompt),
    card: reinforced,
  });
  return folder;
}

async function experimentOf(options: GrpoOptions): Promise<GrpoExperiment> {
  const { config, steps, lambda, reward, tailWeight, seed } = options;
  const file = parseConfig(
    config ?? 'The settings',
    GrpoExperimentSchema,
    config === undefined ? {} : await readJson(config),
  );
  return parseConfig('The settings', GrpoExperimentSchema, {
    ...file,
    reward: { ...file.reward, ...(reward === undefined ? {} : { kind: reward }) },
    grpo: {
      ...file.grpo,
      ...(steps === undefined ? {} : { steps }),
      ...(lambda === undefined ? {} : { balance: { kind: 'additive', lambda } }),
      ...(tailWeight === undefined ? {} : { tailPromptWeight: tailWeight }),
      ...(seed === undefined ? {} : { seed }),
    },
  });
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (cause) {
    throw new LabError('bad-config', {
      message: `The settings in ${path} cannot be read.`,
      expected: 'a JSON file',
      fix: 'Begin with {} and add what is to differ, for example {"grpo": {"steps": 50}}.',
      cause,
    });
  }
}

function verdictOn({ curve }: FinishedGrpo): string {
  const [first, last] = [curve[0]?.measures, curve.at(-1)?.measures];
  if (first === undefined || last === undefined) return 'Nothing was measured.';
  const { isCollapsed, rewardGain, tailRecallLoss, distinctRulesLoss } = collapseSince(first, last);
  return (
    `${isCollapsed ? 'The model has collapsed' : 'No collapse'}: reward ${rewardGain >= 0 ? '+' : ''}${rewardGain.toFixed(3)}, ` +
    `tail recall lost ${said(tailRecallLoss)}, distinct rules lost ${(100 * distinctRulesLoss).toFixed(0)} %.`
  );
}

function nothingToResume(out: string): LabError {
  const message = `There is no checkpoint to resume in ${out}.`;
  return new LabError('not-found', { message, fix: 'Start the run without --resume.' });
}

function alreadyThere(out: string): LabError {
  const fix = 'Go on with it by --resume, or name another folder.';
  return new LabError('bad-config', { message: `There is a run in ${out} already.`, fix });
}
