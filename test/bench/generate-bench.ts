/**
 * `bench generate`: rollouts of the same prompts by the lab and by plain tfjs with a cache of its own, in one process and in
 * turns. The lab samples; plain tfjs draws too, and goes on with the lab's tokens, so that both do the same work: their
 * log-probabilities must agree before anything is timed.
 */
import process from 'node:process';
import * as tf from '@tensorflow/tfjs';
import { note } from '../../src/cli/terminal.ts';
import { LabError } from '../../src/common/errors.ts';
import { Rng } from '../../src/common/rng.ts';
import { countParameters, type ModelConfig } from '../../src/config/model-config.ts';
import { MODEL_PRESETS, type PresetName } from '../../src/config/presets.ts';
import { generateAll } from '../../src/infer/generate.ts';
import { disposeWeights, initialWeights, loadWeights } from '../../src/model/weights.ts';
import type { BenchBackend, NamedBackend } from './backend-pair.ts';
import { openBenchBackends } from './backends.ts';
import { GpuTally } from './gpu-tally.ts';
import { median } from './median.ts';
import { plainWeights } from './plain-decoder.ts';
import { decodePlain, type ForcedSequence } from './plain-decoding.ts';

/** How to run the benchmark. */
export interface GenerateBench {
  readonly preset: PresetName;
  readonly prompts: number;
  /** Completions of each prompt. */
  readonly samples: number;
  /** Of each completion. */
  readonly tokens: number;
  /** Tokens of the longest prompt. */
  readonly promptLength: number;
  readonly backend: BenchBackend;
  readonly adapter?: string | undefined;
  /** Timed runs of each. */
  readonly repeats: number;
}

/** The figures of one peer. */
interface GenerateResult {
  readonly tokensPerSec: number;
  readonly runMs: number;
  readonly leastRunMs: number;
  /** Processor time over all threads: what else the machine does hardly counts. */
  readonly cpuMs: number;
  /** Compute dispatches of a run; in WebAssembly, tfjs kernels. */
  readonly dispatches: number;
  /** The most bytes of GPU buffers; in WebAssembly, of tensors within a run. */
  readonly peakBytes: number;
  /** Until the prompts were read, where that can be told. */
  readonly promptMs: number | null;
}

/** The result, its last line with `--json`. */
export interface GenerateResults {
  readonly work: string;
  readonly adapter: string;
  readonly ours: GenerateResult;
  readonly tfjs: GenerateResult;
  /** Of tokens per second. */
  readonly ratio: number;
  /** Of processor time. */
  readonly cpuRatio: number;
  /** Of tokens per second, had plain tfjs read its prompts in no time: it reads a prompt for each of its completions. */
  readonly ratioWithoutItsPrompts: number;
  /** Of log-probabilities of the same tokens, in nats. */
  readonly largestDifference: number;
  /** Share of plain tfjs's own draws that are the lab's. */
  readonly agreedDraws: number;
}

/** Log-probabilities agree within this; float32 explains far less. */
const TOLERANCE_NATS = 1e-3;
const SEED = 1;
/** Never drawn, so that all completions are equally long. */
const NO_EOS = -1;

/** One run's log-probabilities, and how long it took to read the prompts. */
interface Run {
  readonly logProbs: readonly (readonly number[])[];
  readonly promptMs: number | null;
}

interface Contestant {
  readonly name: 'ours' | 'tfjs';
  readonly backend: NamedBackend;
  readonly run: () => Promise<Run>;
  readonly times: { readonly ms: number; readonly cpuMs: number; readonly promptMs: number | null }[];
  dispatches: number;
  peakBytes: number;
}

/**
 * Runs the benchmark.
 *
 * @throws {LabError} `internal` if the peers do not do the same work, `no-backend`
 */
export async function benchGenerate(bench: GenerateBench): Promise<GenerateResults> {
  const { preset, prompts: P, samples: G, tokens, promptLength, repeats } = bench;
  const model: ModelConfig = { ...MODEL_PRESETS[preset], maxPositions: promptLength + tokens };
  const backends = await openBenchBackends(bench.backend, bench.adapter);
  const { vocabSize: V, width: C, layers: L } = model;
  const size = `${countParameters(model).toLocaleString('en')} parameters`;
  const work = `${preset}, L=${L},C=${C},V=${V}, ${size}; ${P} prompts of up to ${promptLength} tokens x ${G} completions x ${tokens} tokens`;
  note(`${work}\n${backends.adapter}`);

  const rng = new Rng('bench generate');
  const data = initialWeights(model, rng.fork('weights'));
  const shared = Array.from({ length: P }, (_, p) =>
    Int32Array.from({ length: promptLength - 2 * (p % 8) }, () => rng.int(V)),
  );
  const prompts = shared.flatMap((prompt) => Array.from({ length: G }, () => prompt));
  const sampler = { temperature: 1, seed: SEED };
  const tally = bench.backend === 'webgpu' ? new GpuTally() : undefined;

  await tf.setBackend(backends.ours.name);
  const own = { config: model, weights: loadWeights(model, data) };
  let sequences: readonly ForcedSequence[] = [];
  const ours = contestant('ours', backends.ours, async () => {
    const options = { eosId: NO_EOS, maxTokens: tokens, sampler, batchSize: prompts.length };
    const completions = await generateAll(own, prompts, options);
    sequences = completions.map(({ ids }, b) => ({ prompt: prompts[b] ?? new Int32Array(), ids }));
    return { logProbs: completions.map(({ logProbs }) => logProbs), promptMs: null };
  });
  await tf.setBackend(backends.plain.name);
  const plainModel = plainWeights(data);
  let agreedDraws = NaN;
  const plain = contestant('tfjs', backends.plain, async () => {
    const decoded = await decodePlain(model, plainModel, sequences, sampler);
    agreedDraws = decoded.agreedDraws / (prompts.length * tokens);
    return decoded;
  });

  const expected = await firstRun(ours, tally);
  const largestDifference = compare(expected, await firstRun(plain, tally));
  for (let i = 0; i < repeats; i++) {
    for (const each of [ours, plain]) compare(expected, await timedRun(each));
  }
  await tf.setBackend(backends.ours.name);
  disposeWeights(own.weights);
  await tf.setBackend(backends.plain.name);
  tf.dispose([...plainModel.values()]);
  tally?.stop();
  const [first, second] = [ours, plain].map((each) => resultOf(each, prompts.length * tokens));
  if (first === undefined || second === undefined) throw new LabError('internal', { message: 'Nothing was timed.' });
  return {
    work,
    adapter: backends.adapter,
    ours: first,
    tfjs: second,
    ratio: rounded(second.runMs / first.runMs, 3),
    cpuRatio: rounded(second.cpuMs / first.cpuMs, 3),
    ratioWithoutItsPrompts: rounded((second.runMs - (second.promptMs ?? 0)) / first.runMs, 3),
    largestDifference,
    agreedDraws,
  };
}

function contestant(name: Contestant['name'], backend: NamedBackend, run: () => Promise<Run>): Contestant {
  return { name, backend, run, times: [], dispatches: NaN, peakBytes: NaN };
}

/** Compiles shaders, and counts. */
async function firstRun(each: Contestant, tally: GpuTally | undefined): Promise<Run> {
  note(`${each.name}: a run beforehand`);
  await tf.setBackend(each.backend.name);
  const { device } = each.backend;
  if (tally !== undefined && device !== undefined) {
    const before = tally.dispatches;
    const run = await each.run();
    each.dispatches = tally.dispatches - before;
    each.peakBytes = tally.peakBytes(device);
    return run;
  }
  const bytesBefore = tf.memory().numBytes;
  let run: Run = { logProbs: [], promptMs: null };
  const profile = await tf.profile(async () => {
    run = await each.run();
    return [];
  });
  each.dispatches = profile.kernels.length;
  each.peakBytes = profile.peakBytes - bytesBefore;
  return run;
}

async function timedRun(each: Contestant): Promise<Run> {
  await tf.setBackend(each.backend.name);
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  const run = await each.run();
  const ms = performance.now() - startMs;
  const { user, system } = process.cpuUsage(startCpu); // in microseconds
  each.times.push({ ms, cpuMs: (user + system) / 1000, promptMs: run.promptMs });
  note(`${each.name}: ${ms.toFixed(0)} ms, ${((user + system) / 1000).toFixed(0)} ms of processor time`);
  return run;
}

/** @throws {LabError} `internal` */
function compare(expected: Run, got: Run): number {
  const [ours, others] = [expected.logProbs.flat(), got.logProbs.flat()];
  const largest = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - (others[i] ?? NaN))), 0);
  if (ours.length === others.length && largest <= TOLERANCE_NATS) return largest;
  throw new LabError('internal', {
    message: 'The log-probabilities of the same tokens differ: this is other work.',
    expected: `${ours.length} that differ by ${TOLERANCE_NATS} nats at most`,
    got: `${others.length}, ${largest} nats`,
  });
}

function resultOf({ times, dispatches, peakBytes }: Contestant, tokens: number): GenerateResult {
  const runMs = median(times.map(({ ms }) => ms));
  const promptMs = times.flatMap((time) => time.promptMs ?? []);
  return {
    tokensPerSec: rounded((1000 * tokens) / runMs, 1),
    runMs: rounded(runMs, 1),
    leastRunMs: rounded(Math.min(...times.map(({ ms }) => ms)), 1),
    cpuMs: rounded(median(times.map(({ cpuMs }) => cpuMs)), 1),
    dispatches,
    peakBytes,
    promptMs: promptMs.length === 0 ? null : rounded(median(promptMs), 1),
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** The result as text for people. */
export function generateReport({ work, adapter, ours, tfjs, ...rest }: GenerateResults): string[] {
  const lines = Object.entries({ ours, tfjs }).map(([name, peer]) => {
    const prompts = peer.promptMs === null ? '' : `, of which the prompts ${peer.promptMs.toFixed(0)}`;
    return (
      `${name.padEnd(5)} ${peer.tokensPerSec.toFixed(0).padStart(7)} tokens/s  ${peer.runMs.toFixed(0)} ms (least ` +
      `${peer.leastRunMs.toFixed(0)}, ${peer.cpuMs.toFixed(0)} of processor time${prompts}); ${peer.dispatches} ` +
      `dispatches, ${(peer.peakBytes / 2 ** 20).toFixed(1)} MiB at most`
    );
  });
  return [
    work,
    adapter,
    '',
    ...lines,
    '',
    `log-probabilities differ by ${rest.largestDifference.toExponential(1)} nats at most, ` +
      `${(100 * rest.agreedDraws).toFixed(2)} % of the draws agree`,
    `ours / plain tfjs: ${rest.ratio}, by processor time ${rest.cpuRatio}, without the time of plain tfjs's prompts ` +
      `${rest.ratioWithoutItsPrompts}`,
  ];
}
