/**
 * `bench grpo`: one whole step of reinforcement of the same work by the lab and by plain tfjs, in one process and in turns:
 * rollouts from a key-value cache, scores of what was sampled, an update with the expert's samples.
 *
 * That both do the same work is checked and not assumed: after every number of updates the losses, entropies and gradient
 * norms must agree, as many tokens must have been sampled and learned from, and nearly all that one draws must be what the
 * other has drawn.
 */
import process from 'node:process';
import * as tf from '@tensorflow/tfjs';
import { note } from '../../src/cli/terminal.ts';
import { LabError } from '../../src/common/errors.ts';
import type { PresetName } from '../../src/config/presets.ts';
import type { BenchBackend } from './backend-pair.ts';
import { openBenchBackends } from './backends.ts';
import { GpuTally } from './gpu-tally.ts';
import { openGrpoOurs } from './grpo-ours.ts';
import type { GrpoPeer, GrpoPeerStep } from './grpo-peer.ts';
import { openGrpoPlain } from './grpo-plain.ts';
import { describeGrpoWork, makeGrpoWork } from './grpo-work.ts';
import { median } from './median.ts';

/** How to run the benchmark. */
export interface GrpoBench {
  readonly preset: PresetName;
  readonly prompts: number;
  readonly samples: number;
  readonly maxTokens: number;
  readonly backend: BenchBackend;
  readonly adapter?: string | undefined;
  /** Timed steps of each. */
  readonly repeats: number;
  /** Steps of each before the first timed one. */
  readonly warmUp: number;
}

/** The figures of one peer; null where they cannot be told. */
interface GrpoPeerResult {
  /** Sampled, learned from and of expert samples. */
  readonly tokensPerSec: number;
  readonly stepMs: number;
  readonly leastStepMs: number;
  /** Processor time of a step over all threads, the median: what else the machine does hardly counts. */
  readonly stepCpuMs: number;
  /** Medians, in milliseconds. */
  readonly times: { readonly rollout: number; readonly score: number; readonly update: number };
  /** Compute dispatches of a step; in WebAssembly, tfjs kernels run. */
  readonly dispatches: number;
  /** The most bytes of GPU buffers; in WebAssembly, of tensors within a step. */
  readonly peakBytes: number;
}

/** The result, its last line with `--json`. */
export interface GrpoResult {
  readonly work: string;
  readonly adapter: string;
  readonly ours: GrpoPeerResult;
  readonly tfjs: GrpoPeerResult;
  readonly ratio: number;
  /** Tokens of each kind in a step, the mean. */
  readonly tokens: { readonly generated: number; readonly learned: number; readonly expert: number };
  /** Of processor time instead of the clock. */
  readonly cpuRatio: number;
  /** The largest difference of a loss, an entropy or a gradient norm, as a share of it. */
  readonly largestDifference: number;
  /** Of the tokens that plain tfjs drew, those that the lab had drawn. */
  readonly agreedDraws: number;
}

/** Float32 and the order of additions explain far less. */
const TOLERANCE = 5e-3;
/** A draw whose random number falls between two nearly equal sums can go either way. */
const LEAST_AGREED_DRAWS = 0.995;

interface Contestant {
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
export async function benchGrpo(bench: GrpoBench): Promise<GrpoResult> {
  const { preset, prompts, samples, maxTokens, backend, repeats, warmUp } = bench;
  const backends = await openBenchBackends(backend, bench.adapter);
  await tf.setBackend(backends.ours.name);
  const work = await makeGrpoWork({ preset, prompts, samples, maxTokens, steps: warmUp + 1 + repeats });
  note(`${describeGrpoWork(work)}\n${backends.adapter}`);

  const tally = backend === 'webgpu' ? new GpuTally() : undefined;
  const ours = await enter(await openGrpoOurs(work, backends.ours), warmUp, tally);
  const plain = await enter(await openGrpoPlain(work, backends.plain), warmUp, tally);
  for (let i = 0; i < repeats; i++) {
    for (const each of [ours, plain]) {
      await makeStep(each);
      const { ms, step } = each.steps.at(-1) ?? {};
      note(`${each.peer.name}: ${(ms ?? NaN).toFixed(0)} ms, ${timesText(step)}`);
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
async function enter(peer: GrpoPeer, warmUp: number, tally: GpuTally | undefined): Promise<Contestant> {
  note(`${peer.name}: warm-up`);
  const steps: Contestant['steps'] = [];
  const { device } = peer;
  for (let i = 0; i < warmUp; i++) await makeStep({ peer, steps });
  if (tally !== undefined && device !== undefined) {
    const before = tally.dispatches;
    await makeStep({ peer, steps });
    return { peer, steps, dispatches: tally.dispatches - before, peakBytes: tally.peakBytes(device) };
  }
  const bytesBefore = tf.memory().numBytes;
  const profile = await tf.profile(async () => {
    await makeStep({ peer, steps });
    return [];
  });
  return { peer, steps, dispatches: profile.kernels.length, peakBytes: profile.peakBytes - bytesBefore };
}

async function makeStep({ peer, steps }: Pick<Contestant, 'peer' | 'steps'>): Promise<void> {
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  const step = await peer.step();
  const { user, system } = process.cpuUsage(startCpu); // in microseconds
  steps.push({ ms: performance.now() - startMs, cpuMs: (user + system) / 1000, step });
}

/** @throws {LabError} `internal` */
function compare(
  ours: Contestant,
  plain: Contestant,
): Pick<GrpoResult, 'tokens' | 'largestDifference' | 'agreedDraws'> {
  let largestDifference = 0;
  let [agreed, drawn] = [0, 0];
  const sums = { generated: 0, learned: 0, expert: 0 };
  for (const [index, { step: expected }] of ours.steps.entries()) {
    const got = plain.steps[index]?.step;
    if (got === undefined) continue;
    for (const kind of ['generated', 'learned', 'expert'] as const) {
      if (got.tokens[kind] !== expected.tokens[kind])
        throw otherWork(index, kind, expected.tokens[kind], got.tokens[kind]);
      sums[kind] += got.tokens[kind];
    }
    agreed += got.agreedDraws;
    drawn += got.tokens.generated;
    for (const [name, value] of Object.entries(expected.values)) {
      const other = (got.values as Readonly<Record<string, number>>)[name] ?? NaN;
      const difference = Math.abs(other - value) / Math.max(0.1, Math.abs(value));
      if (!(difference <= TOLERANCE)) throw otherWork(index, name, value, other);
      largestDifference = Math.max(largestDifference, difference);
    }
  }
  if (agreed < LEAST_AGREED_DRAWS * drawn) throw otherWork(0, 'draws that agree', drawn, agreed);
  const n = ours.steps.length;
  return {
    tokens: { generated: sums.generated / n, learned: sums.learned / n, expert: sums.expert / n },
    largestDifference,
    agreedDraws: agreed / drawn,
  };
}

function otherWork(step: number, what: string, expected: number, got: number): LabError {
  return new LabError('internal', {
    message: `Step ${step + 1} of plain tfjs is not that of the lab: ${what}.`,
    expected: String(expected),
    got: String(got),
  });
}

function resultOf({ steps, dispatches, peakBytes }: Contestant, repeats: number): GrpoPeerResult {
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

/** The result as text for people. */
export function grpoReport({ work, adapter, ours, tfjs, ratio, tokens, ...checked }: GrpoResult): string[] {
  const lines = [work, adapter, ''];
  for (const [name, peer] of Object.entries({ ours, tfjs })) {
    const { times, dispatches, peakBytes } = peer;
    lines.push(
      `${name.padEnd(5)} ${peer.tokensPerSec.toFixed(0).padStart(7)} tokens/s  ${peer.stepMs.toFixed(0)} ms (least ` +
        `${peer.leastStepMs.toFixed(0)}, ${peer.stepCpuMs.toFixed(0)} of processor time): rollout ${times.rollout.toFixed(0)}, score ${times.score.toFixed(0)}, update ` +
        `${times.update.toFixed(0)}; ${dispatches} dispatches, ${(peakBytes / 2 ** 20).toFixed(1)} MiB at most`,
    );
  }
  lines.push(
    '',
    `a step samples ${tokens.generated.toFixed(0)} tokens, learns from ${tokens.learned.toFixed(0)} and from ` +
      `${tokens.expert.toFixed(0)} of the expert; values differ by ${checked.largestDifference.toExponential(1)} at most, ` +
      `${(100 * checked.agreedDraws).toFixed(2)} % of the draws agree`,
    `ours / plain tfjs: ${ratio}, by processor time ${checked.cpuRatio}`,
  );
  return lines;
}
