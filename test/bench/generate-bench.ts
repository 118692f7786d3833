/**
 * `bench generate`: rollouts of the same prompts by the lab and by plain tfjs with its own cache, alternating in one
 * process. The lab samples; plain tfjs samples too but continues with the lab's tokens, so that both do the same work:
 * their log-probabilities must agree before anything is timed.
 */
import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../src/common/errors.ts';
import { Rng } from '../../src/common/rng.ts';
import { countParameters, type ModelConfig } from '../../src/config/model-config.ts';
import { MODEL_PRESETS, type PresetName } from '../../src/config/presets.ts';
import { generateAll } from '../../src/infer/generate.ts';
import { disposeWeights, initialWeights, loadWeights } from '../../src/model/weights.ts';
import type { BenchBackend, NamedBackend } from './backend-pair.ts';
import { GpuTally } from './gpu-tally.ts';
import { median } from './median.ts';
import type { Surroundings } from './surroundings.ts';
import { plainWeights } from './plain-decoder.ts';
import { decodePlain, type ForcedSequence } from './plain-decoding.ts';

/** The settings of the benchmark. */
export interface GenerateBench {
  readonly preset: PresetName;
  readonly prompts: number;
  /** Completions per prompt. */
  readonly samples: number;
  /** Tokens per completion. */
  readonly tokens: number;
  /** Tokens of the longest prompt. */
  readonly promptLength: number;
  readonly backend: BenchBackend;
  /** Timed runs of each peer. */
  readonly repeats: number;
}

/** The figures of one peer. */
interface GenerateResult {
  readonly tokensPerSec: number;
  readonly runMs: number;
  readonly leastRunMs: number;
  /** CPU time of all threads, which other load on the machine hardly affects. */
  readonly cpuMs: number;
  /** Compute dispatches of a run; in WebAssembly, tfjs kernel calls. */
  readonly dispatches: number;
  /** The peak of GPU buffer bytes; in WebAssembly, of tensor bytes within a run. */
  readonly peakBytes: number;
  /** Time to read the prompts, where it can be measured. */
  readonly promptMs: number | null;
}

/** The result, which is the last line of output with `--json`. */
export interface GenerateResults {
  readonly work: string;
  readonly adapter: string;
  readonly ours: GenerateResult;
  readonly tfjs: GenerateResult;
  /** The ratio of tokens per second. */
  readonly ratio: number;
  /** The ratio of CPU times. */
  readonly cpuRatio: number;
  /** The ratio of tokens per second without plain tfjs's prompt time, because it reads a prompt once per completion. */
  readonly ratioWithoutItsPrompts: number;
  /** The largest difference between log-probabilities of the same tokens, in nats. */
  readonly largestDifference: number;
  /** The share of plain tfjs's samples that equal the lab's. */
  readonly agreedDraws: number;
}

/** The tolerance of log-probabilities; differences by float32 are far smaller. */
const TOLERANCE_NATS = 1e-3;
const SEED = 1;
/** Never sampled, so that all completions have the same length. */
const NO_EOS = -1;

/** The log-probabilities of one run, and the time to read the prompts. */
interface Run {
  readonly logProbs: readonly (readonly number[])[];
  readonly promptMs: number | null;
}

interface Peer {
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
export async function benchGenerate(bench: GenerateBench, surroundings: Surroundings): Promise<GenerateResults> {
  const { preset, prompts: P, samples: G, tokens, promptLength, repeats } = bench;
  const model: ModelConfig = { ...MODEL_PRESETS[preset], maxPositions: promptLength + tokens };
  const backends = await surroundings.openBackends(bench.backend);
  const { vocabSize: V, width: C, layers: L } = model;
  const size = `${countParameters(model).toLocaleString('en')} parameters`;
  const work = `${preset}, L=${L},C=${C},V=${V}, ${size}; ${P} prompts of up to ${promptLength} tokens x ${G} completions x ${tokens} tokens`;
  surroundings.say(`${work}\n${backends.adapter}`);

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
  const ours = newPeer('ours', backends.ours, async () => {
    const options = { eosId: NO_EOS, maxTokens: tokens, sampler, batchSize: prompts.length };
    const completions = await generateAll(own, prompts, options);
    sequences = completions.map(({ ids }, b) => ({ prompt: prompts[b] ?? new Int32Array(), ids }));
    return { logProbs: completions.map(({ logProbs }) => logProbs), promptMs: null };
  });
  await tf.setBackend(backends.plain.name);
  const plainModel = plainWeights(data);
  let agreedDraws = NaN;
  const plain = newPeer('tfjs', backends.plain, async () => {
    const decoded = await decodePlain(model, plainModel, sequences, sampler);
    agreedDraws = decoded.agreedDraws / (prompts.length * tokens);
    return decoded;
  });

  const expected = await firstRun(ours, tally, surroundings);
  const largestDifference = compare(expected, await firstRun(plain, tally, surroundings));
  for (let i = 0; i < repeats; i++) {
    for (const each of [ours, plain]) compare(expected, await timedRun(each, surroundings));
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

function newPeer(name: Peer['name'], backend: NamedBackend, run: () => Promise<Run>): Peer {
  return { name, backend, run, times: [], dispatches: NaN, peakBytes: NaN };
}

/** Compiles the shaders and counts dispatches and bytes. */
async function firstRun(each: Peer, tally: GpuTally | undefined, { say }: Surroundings): Promise<Run> {
  say(`${each.name}: warm-up run`);
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

async function timedRun(each: Peer, { say, cpuMs }: Surroundings): Promise<Run> {
  await tf.setBackend(each.backend.name);
  const [startMs, startCpuMs] = [performance.now(), await cpuMs()];
  const run = await each.run();
  const ms = performance.now() - startMs;
  const took = (await cpuMs()) - startCpuMs;
  each.times.push({ ms, cpuMs: took, promptMs: run.promptMs });
  say(`${each.name}: ${ms.toFixed(0)} ms, ${took.toFixed(0)} ms of processor time`);
  return run;
}

/** @throws {LabError} `internal` */
function compare(expected: Run, got: Run): number {
  const [ours, others] = [expected.logProbs.flat(), got.logProbs.flat()];
  const largest = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - (others[i] ?? NaN))), 0);
  if (ours.length === others.length && largest <= TOLERANCE_NATS) return largest;
  throw new LabError('internal', {
    message: 'The log-probabilities of the same tokens differ, so the peers do not do the same work.',
    expected: `${ours.length} that differ by at most ${TOLERANCE_NATS} nats`,
    got: `${others.length}, ${largest} nats`,
  });
}

function resultOf({ times, dispatches, peakBytes }: Peer, tokens: number): GenerateResult {
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

/** The result as text. */
export function generateReport({ work, adapter, ours, tfjs, ...rest }: GenerateResults): string[] {
  const lines = Object.entries({ ours, tfjs }).map(([name, peer]) => {
    const prompts = peer.promptMs === null ? '' : `, prompts ${peer.promptMs.toFixed(0)}`;
    return (
      `${name.padEnd(5)} ${peer.tokensPerSec.toFixed(0).padStart(7)} tokens/s  ${peer.runMs.toFixed(0)} ms (least ` +
      `${peer.leastRunMs.toFixed(0)}, ${peer.cpuMs.toFixed(0)} of CPU time${prompts}); ${peer.dispatches} ` +
      `dispatches, ${(peer.peakBytes / 2 ** 20).toFixed(1)} MiB peak`
    );
  });
  return [
    work,
    adapter,
    '',
    ...lines,
    '',
    `log-probabilities differ by at most ${rest.largestDifference.toExponential(1)} nats, ` +
      `${(100 * rest.agreedDraws).toFixed(2)} % of the samples agree`,
    `ours / plain tfjs: ${rest.ratio}, by CPU time ${rest.cpuRatio}, without plain tfjs's prompt time ` +
      `${rest.ratioWithoutItsPrompts}`,
  ];
}
