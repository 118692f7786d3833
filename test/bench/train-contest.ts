/**
 * One optimizer step of the same work by the lab and by two peers, in one process. After their warm-up the peers
 * alternate, A B C A B C, so that other load on the machine affects all equally; medians are compared.
 *
 * Peers must have the same loss after every update, otherwise the comparison is rejected: this checks that they do the
 * same forward pass, backward pass and update.
 *
 * Runs in Node and in a page.
 */
import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../src/common/errors.ts';
import type { TrainingPrecision } from '../../src/config/sft-config.ts';
import { countWasmCalls } from '../../src/gpu/wasm-calls.ts';
import type { BenchBackend, BenchBackends } from './backend-pair.ts';
import { DataLedger } from '../reference/data-ledger.ts';
import { GpuTally } from './gpu-tally.ts';
import { idealMs, measureProducts, type ProductRate } from './matmul-rate.ts';
import { median } from './median.ts';
import { openComposites } from './peers/composites.ts';
import { openJaxJs } from './peers/jax-js.ts';
import { openOurs } from './peers/ours.ts';
import type { Peer } from './peers/peer.ts';
import { openPlainTfjs } from './peers/plain-tfjs.ts';
import type { Surroundings } from './surroundings.ts';
import { describeWork, makeWork, stepFlops, stepProducts, type Work, type WorkRequest } from './work.ts';

export const PEER_NAMES = ['ours', 'composites', 'tfjs', 'jaxjs'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

/** The settings of the benchmark. Plain data, because it is sent to a page. */
export interface TrainContest {
  readonly work: WorkRequest;
  readonly backend: BenchBackend;
  readonly peers: readonly PeerName[];
  /** Timed steps of each peer. */
  readonly repeats: number;
  /** Steps of each peer before the first timed one; one more is made for counting. */
  readonly warmUp: number;
  /** Whether each matrix product of a step is timed separately. */
  readonly products: boolean;
  /** The precision of the lab. */
  readonly precision: TrainingPrecision;
}

/** The figures of one peer; null where they cannot be measured. */
export interface PeerResult {
  readonly tokensPerSec: number;
  /** Compute dispatches of a step; in WebAssembly, as `kernelCalls`. */
  readonly dispatches: number | null;
  /** In WebAssembly, calls of tfjs's and the lab's kernels in a step, without those that only rename a tensor. */
  readonly kernelCalls: number | null;
  /** Of the lab in WebAssembly: its kernels compute on the thread that calls them. */
  readonly threads: number | null;
  /** The peak of GPU buffer bytes; in WebAssembly, of the bytes of its tensors within a step. */
  readonly peakBytes: number | null;
  /** Milliseconds of a step: median and minimum. */
  readonly stepMs: number;
  readonly leastStepMs: number;
  /** Median CPU time of a step over all threads, in milliseconds. */
  readonly cpuMs: number;
}

/** How close the lab's step is to the limit of its matrix products. */
export interface MatmulRate {
  /** GFLOP/s: the operations of the products over the minimum time of the whole step. */
  readonly step: number;
  /** GFLOP/s of the products alone, each by the faster of the lab's kernel and tfjs's. */
  readonly best: number;
  /** `step / best`. */
  readonly share: number;
  /** The same in CPU time, which other load on the machine hardly affects. */
  readonly cpuShare: number;
}

/** The result, which is the last line of output with `--json`. */
export type TrainResult = {
  readonly work: string;
  readonly adapter: string;
  /** Tokens per second of the lab over those of the faster peer. */
  readonly ratio: number | null;
  /** The smallest CPU time of a peer over that of the lab. */
  readonly cpuRatio: number | null;
  /** The fastest products of a step, including jax-js's, as a share of the lab's median step. */
  readonly matmulFraction: number | null;
  readonly matmulRate: MatmulRate | null;
  /** The largest difference from the losses of the first peer, in nats. */
  readonly lossDifference: number;
} & { readonly [Name in PeerName]?: PeerResult };

/** The result, and the rates of the products. */
export interface TrainOutcome {
  readonly result: TrainResult;
  readonly rates: readonly ProductRate[];
}

/** The measurements of a peer. */
interface PeerRun {
  readonly peer: Peer;
  readonly losses: number[];
  readonly stepsMs: number[];
  readonly stepsCpuMs: number[];
  readonly dispatches: number | null;
  readonly peakBytes: number | null;
}

/** The relative tolerance of losses; differences by float32 and the order of additions are far smaller. */
const LOSS_TOLERANCE = 1e-3;

/**
 * Runs the benchmark.
 *
 * @throws {LabError} `internal` if the losses of the peers differ, `no-backend`
 */
export async function runContest(contest: TrainContest, surroundings: Surroundings): Promise<TrainOutcome> {
  const { say, cpuMs } = surroundings;
  const work = makeWork(contest.work);
  const backends = await surroundings.openBackends(contest.backend);
  const tally = contest.backend === 'webgpu' ? new GpuTally() : undefined;
  say(`${describeWork(work)}\n${backends.adapter}`);

  const runs: PeerRun[] = [];
  for (const name of contest.peers) {
    say(`${name}: warm-up`);
    runs.push(await enter(name, work, contest, backends, tally));
  }
  let rates: ProductRate[] = [];
  if (contest.products && contest.peers.includes('ours')) {
    say('products: timing each shape');
    const { ours, plain } = backends;
    rates = await measureProducts(stepProducts(work), [ours, plain], contest.peers.includes('jaxjs'), cpuMs);
  }
  for (let i = 0; i < contest.repeats; i++) {
    for (const { peer, losses, stepsMs, stepsCpuMs } of runs) {
      const [startMs, startCpuMs] = [performance.now(), await cpuMs()];
      losses.push(await peer.step());
      stepsMs.push(performance.now() - startMs);
      stepsCpuMs.push((await cpuMs()) - startCpuMs);
      say(`${peer.name}: ${toText(stepsMs.at(-1))} ms, ${toText(stepsCpuMs.at(-1))} of CPU time`);
    }
  }
  const lossDifference = compareLosses(runs);
  const onWasm = contest.backend === 'wasm';
  const byName = Object.fromEntries(runs.map((each) => [each.peer.name, resultOf(work, each, onWasm)]));
  for (const { peer } of runs) await peer.dispose();
  tally?.stop();
  return {
    result: { work: work.name, adapter: backends.adapter, ...compare(work, byName, rates), lossDifference },
    rates,
  };
}

function compare(
  work: Work,
  byName: { readonly [Name in PeerName]?: PeerResult },
  rates: readonly ProductRate[],
): Omit<TrainResult, 'work' | 'adapter' | 'lossDifference'> {
  const { ours, composites: _ours, ...others } = byName;
  const peers = Object.values(others);
  const isCompared = ours !== undefined && peers.length > 0;
  const isRated = ours !== undefined && rates.length > 0;
  const fastest = Math.max(...peers.map(({ tokensPerSec }) => tokensPerSec));
  const minCpuMs = Math.min(...peers.map((peer) => peer.cpuMs));
  return {
    ...byName,
    ratio: isCompared ? rounded(ours.tokensPerSec / fastest, 3) : null,
    cpuRatio: isCompared ? rounded(minCpuMs / ours.cpuMs, 3) : null,
    matmulFraction: isRated ? rounded(idealMs(rates) / ours.stepMs, 3) : null,
    matmulRate: isRated ? rateOf(stepFlops(work), ours, rates) : null,
  };
}

function rateOf(flops: number, { leastStepMs, cpuMs }: PeerResult, rates: readonly ProductRate[]): MatmulRate {
  const productsMs = idealMs(rates, ['ours', 'tfjs']);
  const gigaflopsPerSec = (ms: number): number => rounded(flops / ms / 1e6, 2);
  return {
    step: gigaflopsPerSec(leastStepMs),
    best: gigaflopsPerSec(productsMs),
    share: rounded(productsMs / leastStepMs, 3),
    cpuShare: rounded(idealMs(rates, ['ours', 'tfjs'], 'cpuMs') / cpuMs, 3),
  };
}

/** Loads a peer, warms it up and counts one step. */
async function enter(
  name: PeerName,
  work: Work,
  contest: TrainContest,
  { ours, plain }: BenchBackends,
  tally: GpuTally | undefined,
): Promise<PeerRun> {
  // tfjs counts a renamed tensor as a second copy, so in WebAssembly a ledger follows the data itself.
  await tf.setBackend(name === 'tfjs' ? plain.name : ours.name);
  const ledger = tally === undefined ? new DataLedger() : undefined;
  const { warmUp } = contest;
  const peer = await openPeer(name, work, contest, { ours, plain });
  const losses: number[] = [];
  for (let i = 0; i < warmUp; i++) losses.push(await peer.step());

  const run = { peer, losses, stepsMs: [], stepsCpuMs: [] };
  const { device } = peer;
  if (tally !== undefined && device !== undefined) {
    const before = tally.dispatches;
    losses.push(await peer.step());
    return { ...run, dispatches: tally.dispatches - before, peakBytes: tally.peakBytes(device) };
  }
  if (name === 'jaxjs') {
    ledger?.stop();
    return { ...run, dispatches: null, peakBytes: null };
  }
  ledger?.resetPeak();
  const before = countWasmCalls();
  const profile = await tf.profile(async () => {
    losses.push(await peer.step());
    return [];
  });
  const others = profile.kernels.filter((kernel) => !RENAMING.has(kernel.name));
  const calls = others.length + countWasmCalls() - before;
  ledger?.stop();
  return { ...run, dispatches: calls, peakBytes: ledger?.peakBytes ?? null };
}

/** What tfjs lists besides kernels that compute: new names of a tensor, and groups of kernels. */
const RENAMING: ReadonlySet<string> = new Set(['forward', 'unnamed scope', 'Identity', 'Reshape']);

async function openPeer(
  name: PeerName,
  work: Work,
  { backend, precision }: TrainContest,
  { ours, plain }: Pick<BenchBackends, 'ours' | 'plain'>,
): Promise<Peer> {
  switch (name) {
    case 'ours':
      return openOurs(work, ours, precision);
    case 'composites':
      return openComposites(work, ours, precision);
    case 'tfjs':
      return openPlainTfjs(work, plain);
    case 'jaxjs':
      return openJaxJs(work, backend);
    default:
      return name satisfies never;
  }
}

function compareLosses(runs: readonly PeerRun[]): number {
  const [first, ...others] = runs;
  let largest = 0;
  for (const { peer, losses } of others) {
    for (const [step, loss] of losses.entries()) {
      const expected = first?.losses[step] ?? NaN;
      const difference = Math.abs(loss - expected);
      if (!(difference <= LOSS_TOLERANCE * Math.max(1, Math.abs(expected)))) {
        throw new LabError('internal', {
          message: `After ${step} updates ${peer.name} does not have the loss of ${first?.peer.name ?? ''}, so they do not do the same work.`,
          expected: `${expected} nats`,
          got: `${loss}`,
        });
      }
      largest = Math.max(largest, difference);
    }
  }
  return largest;
}

function resultOf(
  { B, T }: Work,
  { peer, stepsMs, stepsCpuMs, dispatches, peakBytes }: PeerRun,
  onWasm: boolean,
): PeerResult {
  const stepMs = median(stepsMs);
  return {
    tokensPerSec: rounded((1000 * B * T) / stepMs, 1),
    dispatches,
    kernelCalls: onWasm ? dispatches : null,
    threads: onWasm && peer.name === 'ours' ? 1 : null,
    peakBytes,
    stepMs: rounded(stepMs, 2),
    leastStepMs: rounded(Math.min(...stepsMs), 2),
    cpuMs: rounded(median(stepsCpuMs), 1),
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function toText(ms: number | undefined): string {
  return (ms ?? NaN).toFixed(0);
}
