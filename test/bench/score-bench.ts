/**
 * `bench score`: documents scored by the lab and by its peers, or with `--single` one document, alternating in one
 * process. Before anything is timed, all peers must give the same distributions over the labels.
 */
import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../src/common/errors.ts';
import type { BenchBackend, BenchBackends } from './backend-pair.ts';
import { GpuTally } from './gpu-tally.ts';
import { median } from './median.ts';
import { openScoreJaxJs, openScoreOurs, openScorePlain, type ScorePeer } from './score-peers.ts';
import type { Surroundings } from './surroundings.ts';
import { describeScoreWork, makeScoreWork, type ScoreWork, type ScoreWorkRequest } from './score-work.ts';

/** The settings of the benchmark. */
export interface ScoreBench extends ScoreWorkRequest {
  /** Only one pair. */
  readonly single?: boolean;
  readonly peers: readonly ScorePeer['name'][];
  readonly backend: BenchBackend;
  /** Timed passes of each peer over the work. */
  readonly repeats: number;
}

/** The figures of one peer; null where they cannot be measured. */
interface ScorePeerResult {
  readonly pairsPerSec: number;
  /** Compute dispatches of the work; in WebAssembly, tfjs kernel calls. */
  readonly dispatches: number | null;
  /** The peak of GPU buffer bytes; in WebAssembly, of tensor bytes. */
  readonly peakBytes: number | null;
  /** Times of the whole work: median and minimum wall time, and median CPU time over all threads. */
  readonly ms: number;
  readonly leastMs: number;
  readonly cpuMs: number;
}

/** The result, which is the last line of output with `--json`. */
export type ScoreResult = {
  readonly work: string;
  readonly adapter: string;
  /** Pairs per second of the lab over those of plain tfjs; null without it. */
  readonly ratio: number | null;
  /** The ratio of CPU times, which other load on the machine hardly affects. */
  readonly cpuRatio: number | null;
  /** The largest difference between a peer's label probability and the lab's. */
  readonly largestDifference: number;
} & { readonly [Name in ScorePeer['name']]?: ScorePeerResult };

/** The tolerance of a probability. */
const TOLERANCE = 1e-4;

interface PeerRun {
  readonly peer: ScorePeer;
  readonly scores: readonly (readonly number[])[];
  readonly passes: { readonly ms: number; readonly cpuMs: number }[];
  readonly dispatches: number | null;
  readonly peakBytes: number | null;
}

/**
 * Runs the benchmark.
 *
 * @throws {LabError} `internal` if the distributions differ, `no-backend`
 */
export async function benchScore(bench: ScoreBench, { openBackends, say, cpuMs }: Surroundings): Promise<ScoreResult> {
  const { backend, peers, repeats, single = false } = bench;
  const backends = await openBackends(backend);
  const work = makeScoreWork(single ? { ...bench, queries: 1, documents: 1 } : bench);
  say(`${describeScoreWork(work)}\n${backends.adapter}`);

  const tally = backend === 'webgpu' ? new GpuTally() : undefined;
  const runs: PeerRun[] = [];
  for (const name of peers) {
    say(`${name}: warm-up`);
    runs.push(await enter(name, work, backend, backends, tally));
  }
  const largestDifference = compare(runs);
  for (let i = 0; i < repeats; i++) {
    for (const { peer, passes } of runs) {
      const [startMs, startCpuMs] = [performance.now(), await cpuMs()];
      await peer.score(work.prompts);
      const pass = { ms: performance.now() - startMs, cpuMs: (await cpuMs()) - startCpuMs };
      passes.push(pass);
      say(`${peer.name}: ${pass.ms.toFixed(0)} ms, ${pass.cpuMs.toFixed(0)} of CPU time`);
    }
  }
  for (const { peer } of runs) await peer.dispose();
  tally?.stop();
  const byName: { [Name in ScorePeer['name']]?: ScorePeerResult } = Object.fromEntries(
    runs.map((each) => [each.peer.name, resultOf(work, each)]),
  );
  const { ours, tfjs } = byName;
  const isCompared = ours !== undefined && tfjs !== undefined;
  return {
    work: work.name,
    adapter: backends.adapter,
    ...byName,
    ratio: isCompared ? rounded(tfjs.ms / ours.ms, 3) : null,
    cpuRatio: isCompared ? rounded(tfjs.cpuMs / ours.cpuMs, 3) : null,
    largestDifference,
  };
}

/** Loads a peer, scores once to compile its shaders, and counts a second pass. */
async function enter(
  name: ScorePeer['name'],
  work: ScoreWork,
  backend: BenchBackend,
  backends: BenchBackends,
  tally: GpuTally | undefined,
): Promise<PeerRun> {
  const bytesBefore = tf.memory().numBytes;
  const peer = await openPeer(name, work, backend, backends);
  // The documents of the first query cover all shapes.
  await peer.score(work.prompts.slice(0, Math.min(work.prompts.length, 32)));
  const { device } = peer;
  if (tally !== undefined && device !== undefined) {
    const before = tally.dispatches;
    const scores = await peer.score(work.prompts);
    return { peer, scores, passes: [], dispatches: tally.dispatches - before, peakBytes: tally.peakBytes(device) };
  }
  let scores: number[][] = [];
  const profile = await tf.profile(async () => {
    scores = await peer.score(work.prompts);
    return [];
  });
  if (name === 'jaxjs') return { peer, scores, passes: [], dispatches: null, peakBytes: null };
  const peakBytes = profile.peakBytes - bytesBefore;
  return { peer, scores, passes: [], dispatches: profile.kernels.length, peakBytes };
}

function openPeer(
  name: ScorePeer['name'],
  work: ScoreWork,
  backend: BenchBackend,
  { ours, plain }: BenchBackends,
): Promise<ScorePeer> {
  switch (name) {
    case 'ours':
      return openScoreOurs(work, ours);
    case 'tfjs':
      return openScorePlain(work, plain);
    case 'jaxjs':
      return openScoreJaxJs(work, backend);
    default:
      return name satisfies never;
  }
}

/** @throws {LabError} `internal` */
function compare([first, ...others]: readonly PeerRun[]): number {
  let largest = 0;
  for (const { peer, scores } of others) {
    for (const [i, expected] of (first?.scores ?? []).entries()) {
      for (const [label, p] of expected.entries()) {
        const got = scores[i]?.[label] ?? NaN;
        if (!(Math.abs(got - p) <= TOLERANCE)) {
          throw new LabError('internal', {
            message: `${peer.name} gives label ${label} of prompt ${i} another probability, so it does not do the same work.`,
            expected: String(p),
            got: String(got),
          });
        }
        largest = Math.max(largest, Math.abs(got - p));
      }
    }
  }
  return largest;
}

function resultOf({ prompts }: ScoreWork, { passes, dispatches, peakBytes }: PeerRun): ScorePeerResult {
  const ms = median(passes.map((pass) => pass.ms));
  return {
    pairsPerSec: rounded((1000 * prompts.length) / ms, 2),
    dispatches,
    peakBytes,
    ms: rounded(ms, 1),
    leastMs: rounded(Math.min(...passes.map((pass) => pass.ms)), 1),
    cpuMs: rounded(median(passes.map(({ cpuMs }) => cpuMs)), 1),
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** The result as text. */
export function scoreReport({ work, adapter, ours, tfjs, jaxjs, ...compared }: ScoreResult): string[] {
  const lines = [work, adapter, ''];
  for (const [name, peer] of Object.entries({ ours, tfjs, jaxjs })) {
    if (peer === undefined) continue;
    const bytes = peer.peakBytes === null ? '' : `, ${(peer.peakBytes / 2 ** 20).toFixed(1)} MiB peak`;
    const dispatches = peer.dispatches === null ? '' : `; ${peer.dispatches} dispatches`;
    lines.push(
      `${name.padEnd(5)} ${peer.pairsPerSec.toFixed(1).padStart(8)} pairs/s  ${peer.ms.toFixed(0)} ms (least ` +
        `${peer.leastMs.toFixed(0)}, ${peer.cpuMs.toFixed(0)} of CPU time)${dispatches}${bytes}`,
    );
  }
  lines.push(
    '',
    `probabilities differ by at most ${compared.largestDifference.toExponential(1)}`,
    `ours / plain tfjs: ${String(compared.ratio)}, by CPU time ${String(compared.cpuRatio)}`,
  );
  return lines;
}
