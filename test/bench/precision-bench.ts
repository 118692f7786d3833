/**
 * `bench precision`: the effect of mixed precision on a loss curve compared with that of another seed. Short supervised
 * runs on the rule world, each seed once in f32 and once in mixed, with the same initial weights and batches. Both are
 * evaluated in f32 on held-out pairs. The losses of consecutive steps are averaged, because single batches are noisy.
 */
import * as tf from '@tensorflow/tfjs';
import { Rng } from '../../src/common/rng.ts';
import { parseConfig } from '../../src/config/parse.ts';
import type { PresetName } from '../../src/config/presets.ts';
import { TRAINING_PRECISIONS, type TrainingPrecision } from '../../src/config/sft-config.ts';
import { currentCommit } from '../../src/cli/current-commit.ts';
import { note } from '../../src/cli/terminal.ts';
import { type PreparedSft, prepareSft } from '../../src/runs/sft-experiment.ts';
import { disposeWeights, initialWeights, loadWeights } from '../../src/model/weights.ts';
import { type SftExperiment, SftExperimentSchema } from '../../src/protocol/sft-experiment.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { type SftLogEntry, trainSft } from '../../src/train/sft.ts';
import type { PrecisionResults, PrecisionRun } from '../../src/studies/precision-report.ts';
import type { BenchBackend } from './backend-pair.ts';
import { openBenchBackends } from './backends.ts';
import { median } from './median.ts';

/** The settings of the comparison. */
export interface PrecisionBench {
  readonly preset: PresetName;
  readonly seeds: number;
  readonly steps: number;
  readonly batch: number;
  /** Steps averaged into one point of a curve. */
  readonly stretch: number;
  readonly backend: BenchBackend;
  readonly adapter?: string | undefined;
}

/**
 * Runs the comparison; yields the results so far after each seed.
 *
 * @param before - earlier results; the comparison continues from them if the command is the same
 */
export async function* benchPrecision(
  bench: PrecisionBench,
  before?: PrecisionResults,
): AsyncGenerator<PrecisionResults> {
  const { seeds, stretch, backend, adapter } = bench;
  const { adapter: device } = await openBenchBackends(backend, adapter);
  const isSame = before?.command === commandOf(bench);
  const commit = isSame ? before.commit : currentCommit();
  const earlierRuns = (name: TrainingPrecision): readonly PrecisionRun[] =>
    (isSame ? before.arms.find((arm) => arm.name === name)?.seeds : undefined) ?? [];
  const arms = TRAINING_PRECISIONS.map((name) => ({ name, seeds: [...earlierRuns(name)] }));
  for (let seed = 1 + (arms[0]?.seeds.length ?? 0); seed <= seeds; seed++) {
    const prepared = await prepareSft(experimentOf(bench, seed, 'f32'));
    // The order alternates with the seed, so that other load on the machine affects both equally.
    for (const arm of seed % 2 === 1 ? arms : arms.toReversed()) {
      arm.seeds.push(await runOnce(experimentOf(bench, seed, arm.name), prepared, stretch));
    }
    yield {
      id: 'precision',
      device,
      commit,
      command: commandOf(bench),
      config: experimentOf(bench, 1, 'f32'),
      stretch,
      arms,
    };
  }
}

function experimentOf(
  { preset, steps, batch }: PrecisionBench,
  seed: number,
  precision: TrainingPrecision,
): SftExperiment {
  return parseConfig('The comparison', SftExperimentSchema, {
    name: 'precision',
    preset,
    data: { kind: 'world', trainQueries: TRAIN_QUERIES },
    devPairs: DEV_PAIRS,
    sft: {
      steps,
      batchSize: batch,
      warmupSteps: Math.ceil(steps / 10),
      logEvery: 1,
      evaluateEvery: steps,
      checkpointEvery: steps,
      seed,
      precision,
    },
  });
}

/** With six pairs per query and the default settings, no pair repeats. */
const TRAIN_QUERIES = 4000;
const DEV_PAIRS = 600;

async function runOnce({ sft, prompt }: SftExperiment, prepared: PreparedSft, stretch: number): Promise<PrecisionRun> {
  const { rules, tokenizer, model: config, examples, dev } = prepared;
  const weights = loadWeights(config, initialWeights(config, new Rng(sft.seed)));
  const transformer = { config, weights };
  const log: SftLogEntry[] = [];
  const stepsMs: number[] = [];
  let lastMs = NaN;
  await trainSft(sft, {
    model: transformer,
    examples,
    onLog: (entry) => {
      log.push(entry);
      stepsMs.push(performance.now() - lastMs);
      lastMs = performance.now();
    },
  });
  const { labels, expertLossNats } = await evaluate({ transformer, tokenizer, prompt, ...rules }, dev, {
    completions: 0,
  });
  disposeWeights(weights);
  const { scale = 1, skipped = 0 } = log.at(-1)?.lossScale ?? {};
  const run = {
    seed: sft.seed,
    curve: averaged(log, stretch),
    devLossNats: expertLossNats ?? NaN,
    devAccuracy: labels.accuracy.value ?? NaN,
    skipped,
    lossScale: scale,
    stepMs: median(stepsMs.slice(2)), // the first has no start time, the second compiles
  };
  const { devLossNats, devAccuracy, stepMs } = run;
  note(
    `seed ${sft.seed}, ${sft.precision}: held-out loss ${devLossNats.toFixed(4)} nats, accuracy ${devAccuracy.toFixed(3)}, ` +
      `${stepMs.toFixed(0)} ms per step, ${skipped} skipped, ${tf.memory().numTensors} tensors left`,
  );
  return run;
}

function averaged(log: readonly SftLogEntry[], length: number): PrecisionRun['curve'] {
  return Array.from({ length: Math.floor(log.length / length) }, (_, i) => {
    const part = log.slice(i * length, (i + 1) * length);
    const lossNats = part.reduce((sum, entry) => sum + entry.lossNats, 0) / part.length;
    return { step: part.at(-1)?.step ?? 0, lossNats };
  });
}

function commandOf({ preset, seeds, steps, batch, stretch, backend, adapter }: PrecisionBench): string {
  const chosen = `--preset ${preset} --seeds ${seeds} --steps ${steps} --batch ${batch} --stretch ${stretch}`;
  return `npm run bench -- precision ${chosen} --backend ${backend}${adapter === undefined ? '' : ` --adapter ${adapter}`}`;
}
