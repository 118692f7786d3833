/**
 * `bench score`: the documents of some queries scored by the lab and by its peers, or with `--single` one document, in one
 * process and in turns. Before anything is timed all must give the same distributions over the labels.
 */
import process from 'node:process';
import * as tf from '@tensorflow/tfjs';
import { note } from '../../src/cli/terminal.ts';
import { LabError } from '../../src/common/errors.ts';
import type { BenchBackend, BenchBackends } from './backend-pair.ts';
import { openBenchBackends } from './backends.ts';
import { GpuTally } from './gpu-tally.ts';
import { median } from './median.ts';
import { openScoreJaxJs, openScoreOurs, openScorePlain, type ScorePeer } from './score-peers.ts';
import { describeScoreWork, makeScoreWork, type ScoreWork, type ScoreWorkRequest } from './score-work.ts';

/** How to run the benchmark. */
export interface ScoreBench extends ScoreWorkRequest {
  /** One pair by itself, in place of all. */
  readonly single?: boolean;
  readonly peers: readonly ScorePeer['name'][];
  readonly backend: BenchBackend;
  readonly adapter?: string | undefined;
  /** Timed passes over the work of each. */
  readonly repeats: number;
}

/** The figures of one peer; null where they cannot be told. */
interface ScorePeerResult {
  readonly pairsPerSec: number;
  /** Compute dispatches of the work; in WebAssembly, tfjs kernels run. */
  readonly dispatches: number | null;
  /** The most bytes of GPU buffers; in WebAssembly, of tensors. */
  readonly peakBytes: number | null;
  /** Of the whole work: the median on the clock, the least, and the median of processor time over all threads. */
  readonly ms: number;
  readonly leastMs: number;
  readonly cpuMs: number;
}

/** The result, its last line with `--json`. */
export type ScoreResult = {
  readonly work: string;
  readonly adapter: string;
  /** Pairs per second of the lab over those of plain tfjs; null without it. */
  readonly ratio: number | null;
  /** Of processor time instead of the clock: what else the machine does hardly counts. */
  readonly cpuRatio: number | null;
  /** The largest difference of a label's probability to ours. */
  readonly largestDifference: number;
} & { readonly [Name in ScorePeer['name']]?: ScorePeerResult };

/** Of a probability. */
const TOLERANCE = 1e-4;

interface Contestant {
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
export async function benchScore(bench: ScoreBench): Promise<ScoreResult> {
  const { backend, peers, repeats, single = false } = bench;
  const backends = await openBenchBackends(backend, bench.adapter);
  const work = makeScoreWork(single ? { ...bench, queries: 1, documents: 1 } : bench);
  note(`${describeScoreWork(work)}\n${backends.adapter}`);

  const tally = backend === 'webgpu' ? new GpuTally() : undefined;
  const contestants: Contestant[] = [];
  for (const name of peers) {
    note(`${name}: warm-up`);
    contestants.push(await enter(name, work, backend, backends, tally));
  }
  const largestDifference = compare(contestants);
  for (let i = 0; i < repeats; i++) {
    for (const { peer, passes } of contestants) {
      const startMs = performance.now();
      const startCpu = process.cpuUsage();
      await peer.score(work.prompts);
      const { user, system } = process.cpuUsage(startCpu); // in microseconds
      const pass = { ms: performance.now() - startMs, cpuMs: (user + system) / 1000 };
      passes.push(pass);
      note(`${peer.name}: ${pass.ms.toFixed(0)} ms, ${pass.cpuMs.toFixed(0)} of processor time`);
    }
  }
  for (const { peer } of contestants) await peer.dispose();
  tally?.stop();
  const byName: { [Name in ScorePeer['name']]?: ScorePeerResult } = Object.fromEntries(
    contestants.map((each) => [each.peer.name, resultOf(work, each)]),
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

/** Loads a peer and has it score once, uncounted, for shaders to be compiled, and once to be counted. */
async function enter(
  name: ScorePeer['name'],
  work: ScoreWork,
  backend: BenchBackend,
  backends: BenchBackends,
  tally: GpuTally | undefined,
): Promise<Contestant> {
  const bytesBefore = tf.memory().numBytes;
  const peer = await openPeer(name, work, backend, backends);
  // The documents of the first query have all the shapes there are.
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
function compare([first, ...others]: readonly Contestant[]): number {
  let largest = 0;
  for (const { peer, scores } of others) {
    for (const [i, expected] of (first?.scores ?? []).entries()) {
      for (const [label, p] of expected.entries()) {
        const got = scores[i]?.[label] ?? NaN;
        if (!(Math.abs(got - p) <= TOLERANCE)) {
          throw new LabError('internal', {
            message: `${peer.name} gives label ${label} of prompt ${i} another probability: it does other work.`,
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

function resultOf({ prompts }: ScoreWork, { passes, dispatches, peakBytes }: Contestant): ScorePeerResult {
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

/** The result as text for people. */
export function scoreReport({ work, adapter, ours, tfjs, jaxjs, ...compared }: ScoreResult): string[] {
  const lines = [work, adapter, ''];
  for (const [name, peer] of Object.entries({ ours, tfjs, jaxjs })) {
    if (peer === undefined) continue;
    const bytes = peer.peakBytes === null ? '' : `, ${(peer.peakBytes / 2 ** 20).toFixed(1)} MiB at most`;
    const dispatches = peer.dispatches === null ? '' : `; ${peer.dispatches} dispatches`;
    lines.push(
      `${name.padEnd(5)} ${peer.pairsPerSec.toFixed(1).padStart(8)} pairs/s  ${peer.ms.toFixed(0)} ms (least ` +
        `${peer.leastMs.toFixed(0)}, ${peer.cpuMs.toFixed(0)} of processor time)${dispatches}${bytes}`,
    );
  }
  lines.push(
    '',
    `probabilities differ by ${compared.largestDifference.toExponential(1)} at most`,
    `ours / plain tfjs: ${String(compared.ratio)}, by processor time ${String(compared.cpuRatio)}`,
  );
  return lines;
}
