/**
 * `bench grpo`: one whole reinforcement step of the same work by the lab and by plain tfjs, alternating in one process:
 * rollouts from a key-value cache, scores of the sampled tokens, an update with the expert's samples.
 *
 * The benchmark checks that both do the same work: after every update the losses, entropies and gradient norms must
 * agree, the numbers of sampled and learned tokens must be equal, and nearly all samples of one peer must equal those
 * of the other.
 */
import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../src/common/errors.ts';
import type { PresetName } from '../../src/config/presets.ts';
import type { BenchBackend } from './backend-pair.ts';
import { GpuTally } from './gpu-tally.ts';
import { openGrpoOurs } from './grpo-ours.ts';
import type { GrpoPeer, GrpoPeerStep } from './grpo-peer.ts';
import { openGrpoPlain } from './grpo-plain.ts';
import { describeGrpoWork, makeGrpoWork, START } from './grpo-work.ts';
import { median } from './median.ts';
import type { Surroundings } from './surroundings.ts';

/** The settings of the benchmark. */
export interface GrpoBench {
  readonly preset: PresetName;
  readonly prompts: number;
  readonly samples: number;
  readonly maxTokens: number;
  readonly backend: BenchBackend;
  /** Timed steps of each peer. */
  readonly repeats: number;
  /** Steps of each peer before the first timed one. */
  readonly warmUp: number;
}

/** The figures of one peer. */
interface GrpoPeerResult {
  /** Counts sampled, learned and expert tokens. */
  readonly tokensPerSec: number;
  readonly stepMs: number;
  readonly leastStepMs: number;
  /** Median CPU time of a step over all threads, which other load on the machine hardly affects. */
  readonly stepCpuMs: number;
  /** Medians, in milliseconds. */
  readonly times: { readonly rollout: number; readonly score: number; readonly update: number };
  /** Compute dispatches of a step; in WebAssembly, tfjs kernel calls. */
  readonly dispatches: number;
  /** The peak of GPU buffer bytes; in WebAssembly, of tensor bytes within a step. */
  readonly peakBytes: number;
}

/** The result, which is the last line of output with `--json`. */
export interface GrpoResult {
  readonly work: string;
  readonly adapter: string;
  readonly ours: GrpoPeerResult;
  readonly tfjs: GrpoPeerResult;
  readonly ratio: number;
  /** Mean tokens of each kind per step. */
  readonly tokens: { readonly generated: number; readonly learned: number; readonly expert: number };
  /** The ratio of CPU times. */
  readonly cpuRatio: number;
  /** The largest relative difference of a loss, an entropy or a gradient norm. */
  readonly largestDifference: number;
  /** The share of plain tfjs's samples that equal the lab's. */
  readonly agreedDraws: number;
}

/** Differences by float32 and the order of additions are far smaller. */
const TOLERANCE = 5e-3;
/** Not 1, because a random number between two nearly equal cumulative sums can select either token. */
const MIN_AGREED_DRAWS = 0.995;

interface PeerRun {
  readonly peer: GrpoPeer;
  readonly steps: { readonly ms: number; readonly cpuMs: number; readonly step: GrpoPeerStep }[];
  readonly dispatches: number;
  readonly peakBytes: number;
}

/**
 * Runs the benchmark.
 *
 * @throws {LabError} `internal` if the peers do not do the same work, `no-backend`
 */
export async function benchGrpo(bench: GrpoBench, surroundings: Surroundings): Promise<GrpoResult> {
  const { openBackends, say, readModel } = surroundings;
  const { preset, prompts, samples, maxTokens, backend, repeats, warmUp } = bench;
  const backends = await openBackends(backend);
  await tf.setBackend(backends.ours.name);
  const sizes = { preset, prompts, samples, maxTokens, steps: warmUp + 1 + repeats };
  const work = await makeGrpoWork(sizes, await readModel(START));
  say(`${describeGrpoWork(work)}\n${backends.adapter}`);

  const tally = backend === 'webgpu' ? new GpuTally() : undefined;
  const ours = await enter(await openGrpoOurs(work, backends.ours), warmUp, tally, surroundings);
  const plain = await enter(await openGrpoPlain(work, backends.plain), warmUp, tally, surroundings);
  for (let i = 0; i < repeats; i++) {
    for (const each of [ours, plain]) {
      await makeStep(each, surroundings);
      const { ms, step } = each.steps.at(-1) ?? {};
      say(`${each.peer.name}: ${(ms ?? NaN).toFixed(0)} ms, ${timesText(step)}`);
    }
  }
  const checked = compare(ours, plain);
  for (const { peer } of [ours, plain]) await peer.dispose();
  tally?.stop();
  const [first, second] = [resultOf(ours, repeats), resultOf(plain, repeats)];
  return {
    work: describeGrpoWork(work),
    adapter: backends.adapter,
    ours: first,
    tfjs: second,
    ratio: rounded(first.tokensPerSec / second.tokensPerSec, 3),
    cpuRatio: rounded(second.stepCpuMs / first.stepCpuMs, 3),
    ...checked,
  };
}

/** Warms a peer up and counts one step of it. */
async function enter(
  peer: GrpoPeer,
  warmUp: number,
  tally: GpuTally | undefined,
  surroundings: Surroundings,
): Promise<PeerRun> {
  surroundings.say(`${peer.name}: warm-up`);
  const steps: PeerRun['steps'] = [];
  const { device } = peer;
  for (let i = 0; i < warmUp; i++) await makeStep({ peer, steps }, surroundings);
  if (tally !== undefined && device !== undefined) {
    const before = tally.dispatches;
    await makeStep({ peer, steps }, surroundings);
    return { peer, steps, dispatches: tally.dispatches - before, peakBytes: tally.peakBytes(device) };
  }
  const bytesBefore = tf.memory().numBytes;
  const profile = await tf.profile(async () => {
    await makeStep({ peer, steps }, surroundings);
    return [];
  });
  return { peer, steps, dispatches: profile.kernels.length, peakBytes: profile.peakBytes - bytesBefore };
}

async function makeStep(
  { peer, steps }: Pick<PeerRun, 'peer' | 'steps'>,
  { cpuMs }: Pick<Surroundings, 'cpuMs'>,
): Promise<void> {
  const [startMs, startCpuMs] = [performance.now(), await cpuMs()];
  const step = await peer.step();
  steps.push({ ms: performance.now() - startMs, cpuMs: (await cpuMs()) - startCpuMs, step });
}

/** @throws {LabError} `internal` */
function compare(ours: PeerRun, plain: PeerRun): Pick<GrpoResult, 'tokens' | 'largestDifference' | 'agreedDraws'> {
  let largestDifference = 0;
  let [agreed, drawn] = [0, 0];
  const sums = { generated: 0, learned: 0, expert: 0 };
  for (const [index, { step: expected }] of ours.steps.entries()) {
    const got = plain.steps[index]?.step;
    if (got === undefined) continue;
    for (const kind of ['generated', 'learned', 'expert'] as const) {
      if (got.tokens[kind] !== expected.tokens[kind])
        throw differentWork(index, kind, expected.tokens[kind], got.tokens[kind]);
      sums[kind] += got.tokens[kind];
    }
    agreed += got.agreedDraws;
    drawn += got.tokens.generated;
    for (const [name, value] of Object.entries(expected.values)) {
      const other = (got.values as Readonly<Record<string, number>>)[name] ?? NaN;
      const difference = Math.abs(other - value) / Math.max(0.1, Math.abs(value));
      if (!(difference <= TOLERANCE)) throw differentWork(index, name, value, other);
      largestDifference = Math.max(largestDifference, difference);
    }
  }
  if (agreed < MIN_AGREED_DRAWS * drawn) throw differentWork(0, 'samples that agree', drawn, agreed);
  const n = ours.steps.length;
  return {
    tokens: { generated: sums.generated / n, learned: sums.learned / n, expert: sums.expert / n },
    largestDifference,
    agreedDraws: agreed / drawn,
  };
}

function differentWork(step: number, quantity: string, expected: number, got: number): LabError {
  return new LabError('internal', {
    message: `Step ${step + 1} of plain tfjs differs from that of the lab: ${quantity}.`,
    expected: String(expected),
    got: String(got),
  });
}

function resultOf({ steps, dispatches, peakBytes }: PeerRun, repeats: number): GrpoPeerResult {
  const timed = steps.slice(-repeats);
  const tokens = timed.map(({ step }) => step.tokens.generated + step.tokens.learned + step.tokens.expert);
  const part = (of: (times: GrpoPeerStep['times']) => number): number =>
    rounded(median(timed.map(({ step }) => of(step.times))), 1);
  return {
    tokensPerSec: rounded(median(timed.map(({ ms }, i) => (1000 * (tokens[i] ?? NaN)) / ms)), 1),
    stepMs: rounded(median(timed.map(({ ms }) => ms)), 1),
    leastStepMs: rounded(Math.min(...timed.map(({ ms }) => ms)), 1),
    stepCpuMs: rounded(median(timed.map(({ cpuMs }) => cpuMs)), 1),
    times: {
      rollout: part(({ rolloutMs }) => rolloutMs),
      score: part(({ scoreMs }) => scoreMs),
      update: part(({ updateMs }) => updateMs),
    },
    dispatches,
    peakBytes,
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function timesText(step: GrpoPeerStep | undefined): string {
  const { rolloutMs = NaN, scoreMs = NaN, updateMs = NaN } = step?.times ?? {};
  return `rollout ${rolloutMs.toFixed(0)}, score ${scoreMs.toFixed(0)}, update ${updateMs.toFixed(0)}`;
}

/** The result as text. */
export function grpoReport({ work, adapter, ours, tfjs, ratio, tokens, ...checked }: GrpoResult): string[] {
  const lines = [work, adapter, ''];
  for (const [name, peer] of Object.entries({ ours, tfjs })) {
    const { times, dispatches, peakBytes } = peer;
    lines.push(
      `${name.padEnd(5)} ${peer.tokensPerSec.toFixed(0).padStart(7)} tokens/s  ${peer.stepMs.toFixed(0)} ms (least ` +
        `${peer.leastStepMs.toFixed(0)}, ${peer.stepCpuMs.toFixed(0)} of CPU time): rollout ${times.rollout.toFixed(0)}, score ${times.score.toFixed(0)}, update ` +
        `${times.update.toFixed(0)}; ${dispatches} dispatches, ${(peakBytes / 2 ** 20).toFixed(1)} MiB peak`,
    );
  }
  lines.push(
    '',
    `a step samples ${tokens.generated.toFixed(0)} tokens, learns from ${tokens.learned.toFixed(0)} rollout tokens and ` +
      `${tokens.expert.toFixed(0)} expert tokens; values differ by at most ${checked.largestDifference.toExponential(1)}, ` +
      `${(100 * checked.agreedDraws).toFixed(2)} % of the samples agree`,
    `ours / plain tfjs: ${ratio}, by CPU time ${checked.cpuRatio}`,
  );
  return lines;
}
