/** The first training step on a cold device, the trials of kernel variants after it, and the steps after those. */
import { Rng } from '../common/rng.ts';
import { countParameters, type ModelConfig, ModelConfigSchema } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import { SftConfigSchema } from '../config/sft-config.ts';
import type { Example } from '../data/batches.ts';
import { waitForBackend } from '../gpu/current-backend.ts';
import { computedBy, countStep } from '../gpu/step-cost.ts';
import { disposeWeights, initialWeights, loadWeights } from '../model/weights.ts';
import type { Figure } from '../protocol/device-report.ts';
import { trainSft } from '../train/sft.ts';

/** A decoder and the batch that it learns. */
export interface StepWork {
  readonly name: string;
  readonly config: ModelConfig;
  /** Sequences of T next tokens, all of them scored. */
  readonly B: number;
  readonly T: number;
}

/** The small and the usual work of the benchmarks (docs/benchmarks.md). */
export const STEP_WORKS: readonly StepWork[] = [
  work('L3 C96 V256', { layers: 3, width: 96, hidden: 256, vocabSize: 256 }),
  work('A: L4 C256 V4096', { layers: 4, width: 256, hidden: 768, vocabSize: 4096 }),
];

function work(
  name: string,
  shape: Pick<ModelConfig, 'layers' | 'width' | 'hidden' | 'vocabSize'>,
  [B, T, heads] = [8, 128, 4],
): StepWork {
  const sizes = { ...shape, heads, kvHeads: heads, headDim: shape.width / heads, maxPositions: T };
  return { name: `${name} B${B} T${T}`, config: parseConfig(name, ModelConfigSchema, sizes), B, T };
}

/** Steps after the first whose median counts; fewer if they take this long. */
const STEPS = 7;
const LEAST_STEPS = 2;
const ENOUGH_MS = 8000;
/** More than are made, so that evaluations and checkpoints never run. */
const NEVER = 1_000_000;

/** A moment by the clock and, where it is known, in processor time of all threads; in milliseconds. */
interface Moment {
  readonly ms: number;
  readonly cpuMs: number | undefined;
}

/**
 * Trains as a run does, on random tokens.
 *
 * @param isCold - whether the first step and the trials are named, because the thread has computed nothing before
 * @param cpuMs - processor time so far, where it can be known
 */
export async function stepFigures(
  { config, B, T, name }: StepWork,
  isCold: boolean,
  cpuMs?: () => Promise<number>,
): Promise<Figure[]> {
  const { starts, afterFirst } = await timeSteps({ config, B, T, name }, async () => ({
    ms: performance.now(),
    cpuMs: await cpuMs?.(),
  }));
  const [begin, second] = starts;
  if (begin === undefined || second === undefined || afterFirst === undefined) return [];
  const later = starts.slice(2).map((moment, i) => between(starts[i + 1] ?? moment, moment));
  const stepMs = median(later.map(({ ms }) => ms));
  const cost = countStep(config, { B, T, scoredRows: B * T, microBatches: 1 }, computedBy());
  const flops = cost.matmulFlops + cost.attentionFlops;
  const both = (what: string, { ms, cpuMs: cpu }: Moment): Figure[] => [
    { name: `${name}: ${what}`, value: ms, unit: 'ms' },
    ...(cpu === undefined ? [] : [{ name: `${name}: ${what}`, value: cpu, unit: 'CPU ms' as const }]),
  ];
  const cold = isCold
    ? [
        ...both('first step, cold', between(begin, afterFirst)),
        ...both('trials of kernels after it', between(afterFirst, second)),
      ]
    : [];
  const cpu = later.flatMap((each) => (each.cpuMs === undefined ? [] : [each.cpuMs]));
  const step = { ms: stepMs, cpuMs: cpu.length === 0 ? undefined : median(cpu) };
  return [
    ...cold,
    ...both(`a step (${countParameters(config).toLocaleString('en')} parameters)`, step),
    { name: `${name}: tokens learned`, value: (1000 * B * T) / stepMs, unit: 'tokens/s' },
    { name: `${name}: products of a step`, value: flops / stepMs / 1e6, unit: 'GFLOP/s', of: 'products' },
    { name: `${name}: other traffic of a step`, value: cost.trafficBytes / stepMs / 1e6, unit: 'GB/s', of: 'copies' },
  ];
}

function between(from: Moment, to: Moment): Moment {
  const cpuMs = from.cpuMs === undefined || to.cpuMs === undefined ? undefined : to.cpuMs - from.cpuMs;
  return { ms: to.ms - from.ms, cpuMs };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** The beginning of each step, and the end of the first before variants of kernels are tried. */
async function timeSteps(
  { config, B, T }: StepWork,
  now: () => Promise<Moment>,
): Promise<{ readonly starts: readonly Moment[]; readonly afterFirst: Moment | undefined }> {
  const rng = new Rng('device step');
  const model = { config, weights: loadWeights(config, initialWeights(config, rng.fork('weights'))) };
  const token = (): number => rng.int(config.vocabSize);
  const examples = Array.from({ length: B }, (): Example => ({
    prompt: Int32Array.of(token()),
    completion: Int32Array.from({ length: T }, token),
  }));
  const sft = { steps: NEVER, batchSize: B, evaluateEvery: NEVER, checkpointEvery: NEVER, logEvery: NEVER };
  const stop = new AbortController();
  const beganMs = performance.now();
  const starts: Moment[] = [];
  let afterFirst: Promise<Moment> | undefined;
  try {
    await trainSft(parseConfig('The step', SftConfigSchema, sft), {
      model,
      examples,
      signal: stop.signal,
      beforeUpdate: async (step) => {
        await waitForBackend();
        starts.push(await now());
        const isLong = step > LEAST_STEPS && performance.now() - beganMs > ENOUGH_MS;
        if (step > STEPS || isLong) stop.abort();
      },
      isLogWanted: (step) => step === 1, // reads the loss, so the step has been computed
      onLog: () => {
        afterFirst = now();
      },
    });
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown;
  } finally {
    disposeWeights(model.weights);
  }
  return { starts, afterFirst: await afterFirst };
}
