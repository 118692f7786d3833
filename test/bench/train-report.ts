/** The result of `bench train` as text. */
import { idealMs, type ProductRate } from './matmul-rate.ts';
import { PEER_NAMES, type PeerResult, type TrainOutcome, type TrainResult } from './train-contest.ts';
import { describeWork, stepFlops, type Work } from './work.ts';

/** Lines of the report. */
export function trainReport(work: Work, { result, rates }: TrainOutcome): string[] {
  return [
    describeWork(work),
    result.adapter,
    '',
    ...PEER_NAMES.flatMap((name) => {
      const peer = result[name];
      return peer === undefined ? [] : [peerLine(name, peer)];
    }),
    ...(rates.length === 0 ? [] : productLines(work, rates)),
    '',
    ...comparisonLines(result),
  ];
}

function peerLine(
  name: string,
  { tokensPerSec, stepMs, leastStepMs, cpuMs, dispatches, peakBytes }: PeerResult,
): string {
  const counted = [
    ...(dispatches === null ? [] : [`${dispatches} dispatches`]),
    ...(peakBytes === null ? [] : [`${(peakBytes / 2 ** 20).toFixed(0)} MiB peak`]),
  ];
  const times = `${stepMs.toFixed(0)} ms (minimum ${leastStepMs.toFixed(0)}, CPU ${cpuMs.toFixed(0)})`;
  return [`${name.padEnd(10)} ${tokensPerSec.toFixed(0).padStart(8)} tokens/s   ${times}`, ...counted].join(', ');
}

function productLines(work: Work, rates: readonly ProductRate[]): string[] {
  const lines = rates.map(({ product: { batch, rows, inner, columns, times }, bestMs, by, gigaflopsPerSec }) => {
    const shape = `${times} x ${batch === 1 ? '' : `${batch} x `}[${rows},${inner}] [${inner},${columns}]`;
    return `  ${shape.padEnd(36)} ${bestMs.toFixed(2).padStart(8)} ms  ${gigaflopsPerSec.toFixed(1)} GFLOP/s  ${by}`;
  });
  const all = `  total ${(stepFlops(work) / 1e9).toFixed(2)} GFLOP, ${idealMs(rates).toFixed(0)} ms`;
  return ['', 'the fastest products of a step:', ...lines, all];
}

function comparisonLines({ ratio, cpuRatio, matmulFraction, matmulRate }: TrainResult): string[] {
  const lines: string[] = [];
  if (ratio !== null) lines.push(`ours / faster peer: ${ratio}; by CPU time: ${String(cpuRatio)}`);
  if (matmulFraction !== null) {
    lines.push(`these products as a share of our median step: ${matmulFraction}`);
  }
  if (matmulRate !== null) {
    const { step, best, share, cpuShare } = matmulRate;
    lines.push(
      `rate: our fastest step does its products at ${step} GFLOP/s, including all other work; alone they run at ${best}`,
      `  (the faster of the lab's and tfjs's kernels for each shape): our step reaches ${percent(share)} of that rate, ${percent(cpuShare)} by CPU time`,
    );
  }
  return lines;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
