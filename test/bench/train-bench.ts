/**
 * `bench train`: one optimizer step of the same work by the lab and by two peers, in one process. Each peer is warmed up,
 * then they take turns, A B C A B C, so that whatever else the machine does falls on all alike; medians are compared.
 *
 * Peers must give the same loss after every number of updates, or the comparison is refused: that they all do the same
 * forward pass, backward pass and update is checked and not assumed.
 */
import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../src/common/errors.ts';
import { note } from '../../src/cli/terminal.ts';
import { type BenchBackend, type BenchBackends, openBenchBackends } from './backends.ts';
import { GpuTally } from './gpu-tally.ts';
import { idealMs, measureProducts, type ProductRate } from './matmul-rate.ts';
import { median } from './median.ts';
import { openJaxJs } from './peers/jax-js.ts';
import { openOurs } from './peers/ours.ts';
import type { Peer } from './peers/peer.ts';
import { openPlainTfjs } from './peers/plain-tfjs.ts';
import { describeWork, productFlops, stepProducts, type Work } from './work.ts';

export const PEER_NAMES = ['ours', 'tfjs', 'jaxjs'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

/** How to run a training benchmark. */
export interface TrainBench {
  readonly work: Work;
  readonly backend: BenchBackend;
  readonly adapter?: string | undefined;
  readonly peers: readonly PeerName[];
  /** Timed steps of each peer. */
  readonly repeats: number;
  /** Steps of each peer before the first timed one. */
  readonly warmUp: number;
}

/** The figures of one peer; null where they cannot be told. */
export interface PeerResult {
  readonly tokensPerSec: number;
  /** Compute dispatches of a step; in WebAssembly, tfjs kernels run. */
  readonly dispatches: number | null;
  /** The most bytes of GPU buffers; in WebAssembly, of tensors within a step. */
  readonly peakBytes: number | null;
  /** Milliseconds of a step: the median, and the least. */
  readonly stepMs: number;
  readonly leastStepMs: number;
}

/** The result of a training benchmark, its last line with `--json`. */
export type TrainResult = {
  readonly work: string;
  readonly adapter: string;
  readonly ratio: number | null;
  /** The products of a step at their fastest, as a share of our step. */
  readonly matmulFraction: number | null;
  /** The largest difference of losses to ours, in nats. */
  readonly lossDifference: number;
} & { readonly [Name in PeerName]?: PeerResult };

/** What is known of a peer while it runs. */
interface Contestant {
  readonly peer: Peer;
  readonly losses: number[];
  readonly stepsMs: number[];
  readonly dispatches: number | null;
  readonly peakBytes: number | null;
}

/** Losses agree within this share of them; float32 and the order of additions explain far less. */
const LOSS_TOLERANCE = 1e-3;

/**
 * Runs the benchmark.
 *
 * @throws {LabError} `internal` if the losses of the peers differ, `no-backend`
 */
export async function benchTrain(bench: TrainBench): Promise<{ result: TrainResult; rates: ProductRate[] }> {
  const { work } = bench;
  const backends = await openBenchBackends(bench.backend, bench.adapter);
  const tally = bench.backend === 'webgpu' ? new GpuTally() : undefined;
  note(`${describeWork(work)}\n${backends.adapter}`);

  const contestants: Contestant[] = [];
  for (const name of bench.peers) {
    note(`${name}: warm-up`);
    contestants.push(await enter(name, bench, backends, tally));
  }
  const rates = bench.peers.includes('ours') ? await measureRates(bench, backends) : [];
  for (let i = 0; i < bench.repeats; i++) {
    for (const { peer, losses, stepsMs } of contestants) {
      const startMs = performance.now();
      losses.push(await peer.step());
      stepsMs.push(performance.now() - startMs);
      note(`${peer.name}: ${(stepsMs.at(-1) ?? NaN).toFixed(0)} ms`);
    }
  }
  const lossDifference = compareLosses(contestants);
  const byName = Object.fromEntries(contestants.map((each) => [each.peer.name, resultOf(work, each)]));
  for (const { peer } of contestants) await peer.dispose();
  tally?.stop();
  const { ours, ...others } = byName as { [Name in PeerName]?: PeerResult };
  const fastest = Math.max(...Object.values(others).map(({ tokensPerSec }) => tokensPerSec));
  const result: TrainResult = {
    work: work.name,
    adapter: backends.adapter,
    ...byName,
    ratio: ours === undefined || Object.keys(others).length === 0 ? null : rounded(ours.tokensPerSec / fastest, 3),
    matmulFraction: ours === undefined ? null : rounded(idealMs(rates) / ours.stepMs, 3),
    lossDifference,
  };
  return { result, rates };
}

/** Loads a peer, warms it up, and counts one step of it. */
async function enter(
  name: PeerName,
  { work, backend, warmUp }: TrainBench,
  { ours, plain }: BenchBackends,
  tally: GpuTally | undefined,
): Promise<Contestant> {
  const bytesBefore = tf.memory().numBytes;
  const peer = await openPeer(name, work, backend, { ours, plain });
  const losses: number[] = [];
  for (let i = 0; i < warmUp; i++) losses.push(await peer.step());

  const { device } = peer;
  if (tally !== undefined && device !== undefined) {
    const before = tally.dispatches;
    losses.push(await peer.step());
    const dispatches = tally.dispatches - before;
    return { peer, losses, stepsMs: [], dispatches, peakBytes: tally.peakBytes(device) };
  }
  if (name === 'jaxjs') return { peer, losses, stepsMs: [], dispatches: null, peakBytes: null };
  const profile = await tf.profile(async () => {
    losses.push(await peer.step());
    return [];
  });
  // tfjs counts all its tensors, those of the other peer too: what was there before this one came is not its own.
  const peakBytes = profile.peakBytes - bytesBefore;
  return { peer, losses, stepsMs: [], dispatches: profile.kernels.length, peakBytes };
}

async function openPeer(
  name: PeerName,
  work: Work,
  backend: BenchBackend,
  { ours, plain }: Pick<BenchBackends, 'ours' | 'plain'>,
): Promise<Peer> {
  switch (name) {
    case 'ours':
      return openOurs(work, ours);
    case 'tfjs':
      return openPlainTfjs(work, plain);
    case 'jaxjs':
      return openJaxJs(work, backend);
    default:
      return name satisfies never;
  }
}

async function measureRates({ work, peers }: TrainBench, { ours, plain }: BenchBackends): Promise<ProductRate[]> {
  note('products: timing each shape');
  return measureProducts(stepProducts(work), [ours, plain], peers.includes('jaxjs'));
}

function compareLosses(contestants: readonly Contestant[]): number {
  const [first, ...others] = contestants;
  let largest = 0;
  for (const { peer, losses } of others) {
    for (const [step, loss] of losses.entries()) {
      const expected = first?.losses[step] ?? NaN;
      const difference = Math.abs(loss - expected);
      if (!(difference <= LOSS_TOLERANCE * Math.max(1, Math.abs(expected)))) {
        throw new LabError('internal', {
          message: `After ${step} updates ${peer.name} does not have the loss of ${first?.peer.name ?? ''}: it does other work.`,
          expected: `${expected} nats`,
          got: `${loss}`,
        });
      }
      largest = Math.max(largest, difference);
    }
  }
  return largest;
}

function resultOf({ B, T }: Work, { stepsMs, dispatches, peakBytes }: Contestant): PeerResult {
  const stepMs = median(stepsMs);
  return {
    tokensPerSec: rounded((1000 * B * T) / stepMs, 1),
    dispatches,
    peakBytes,
    stepMs: rounded(stepMs, 2),
    leastStepMs: rounded(Math.min(...stepsMs), 2),
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** The result as text for people. */
export function trainReport(work: Work, { result, rates }: { result: TrainResult; rates: ProductRate[] }): string[] {
  const lines = [describeWork(work), result.adapter, ''];
  for (const name of PEER_NAMES) {
    const peer = result[name];
    if (peer === undefined) continue;
    const bytes = peer.peakBytes === null ? '' : `, ${(peer.peakBytes / 2 ** 20).toFixed(0)} MiB at most`;
    const dispatches = peer.dispatches === null ? '' : `, ${peer.dispatches} dispatches`;
    lines.push(
      `${name.padEnd(6)} ${peer.tokensPerSec.toFixed(0).padStart(8)} tokens/s   ` +
        `${peer.stepMs.toFixed(0)} ms (least ${peer.leastStepMs.toFixed(0)})${dispatches}${bytes}`,
    );
  }
  if (rates.length > 0) lines.push('', 'products of a step, each at its fastest:');
  for (const { product, bestMs, by, gigaflopsPerSec } of rates) {
    const { batch, rows, inner, columns, times } = product;
    const shape = `${times} x ${batch === 1 ? '' : `${batch} x `}[${rows},${inner}] [${inner},${columns}]`;
    lines.push(
      `  ${shape.padEnd(36)} ${bestMs.toFixed(2).padStart(8)} ms  ${gigaflopsPerSec.toFixed(1)} GFLOP/s  ${by}`,
    );
  }
  const flops = stepProducts(work).reduce((sum, product) => sum + productFlops(product), 0);
  if (rates.length > 0) lines.push(`  in all ${(flops / 1e9).toFixed(2)} GFLOP, ${idealMs(rates).toFixed(0)} ms`);
  lines.push(
    '',
    `ours / faster peer: ${String(result.ratio)}; products' share of our step: ${String(result.matmulFraction)}`,
  );
  return lines;
}
