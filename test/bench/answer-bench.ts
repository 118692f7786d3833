/**
 * One answer of a model of any size with compressed matrices: memory told beforehand and measured, a prefill, and tokens one
 * by one. Weights are random, made matrix by matrix, so that a shape of 0.6 B needs no more memory here than on the GPU.
 *
 * What an answer must read is all weights once for every token; so bytes per second of decoding, against what the machine's
 * memory can give, is how close to its limit decoding is. A prefill multiplies, and is told in floating point operations.
 */
import * as tf from '@tensorflow/tfjs';
import { Rng } from '../../src/common/rng.ts';
import { floatsToHalves } from '../../src/checkpoint/float16.ts';
import { groupSizeOf, type QuantisedData } from '../../src/checkpoint/quantised.ts';
import { countParameters, type ModelConfig } from '../../src/config/model-config.ts';
import { MODEL_PRESETS, type PresetName } from '../../src/config/presets.ts';
import { LabError } from '../../src/common/errors.ts';
import { generateAll } from '../../src/infer/generate.ts';
import { countAnswering } from '../../src/model/memory.ts';
import type { Precision } from '../../src/model/stored-weights.ts';
import type { Transformer } from '../../src/model/transformer.ts';
import { weightShapes } from '../../src/model/weights.ts';
import { type CompressedMatrix, type HalvesData, uploadCompressed } from '../../src/ops/compressed.ts';
import { openBenchBackends } from './backends.ts';
import { GpuTally } from './gpu-tally.ts';

/** Shapes besides the presets. Qwen3-0.6B's is that of its config.json (huggingface.co/Qwen/Qwen3-0.6B). */
const LARGE_SHAPES = {
  'qwen3-0.6b': {
    vocabSize: 151_936,
    width: 1024,
    layers: 28,
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    hidden: 3072,
    maxPositions: 40_960,
    ropeTheta: 1_000_000,
    normEps: 1e-6,
    qkNorm: true,
    attentionBias: false,
    tiedEmbeddings: true,
  },
} as const satisfies Record<string, ModelConfig>;
export const ANSWER_SHAPES = [...Object.keys(MODEL_PRESETS), ...Object.keys(LARGE_SHAPES)] as (
  PresetName | keyof typeof LARGE_SHAPES
)[];

/** How an answer is asked for. */
export interface AnswerBench {
  readonly shape: (typeof ANSWER_SHAPES)[number];
  readonly precision: Exclude<Precision, 'f32'>;
  /** Tokens of the prompt. */
  readonly prompt: number;
  /** Tokens after the first. */
  readonly tokens: number;
  readonly adapter?: string;
}

/** What it took. */
export interface AnswerResult {
  readonly work: string;
  readonly adapter: string;
  readonly parameters: number;
  /** As counted before anything was made, and as buffers were asked for. */
  readonly predictedBytes: { readonly weights: number; readonly total: number };
  readonly peakBytes: number;
  /** The embeddings' shards: more than one where they are past the largest binding. */
  readonly embeddingShards: number;
  readonly prefillMs: number;
  readonly prefillGflopPerSec: number;
  readonly decodeTokensPerSec: number;
  readonly decodeGBPerSec: number;
  /** Processor time of all threads, milliseconds; on a software adapter that is the work itself. */
  readonly cpuMs: { readonly prefill: number; readonly decode: number };
}

/** Runs the work once to compile, and once to measure. @throws {LabError} `not-finite` if what comes out is no number */
export async function benchAnswer({ shape, precision, prompt, tokens, adapter }: AnswerBench): Promise<AnswerResult> {
  const config: ModelConfig =
    shape in LARGE_SHAPES ? LARGE_SHAPES[shape as keyof typeof LARGE_SHAPES] : MODEL_PRESETS[shape as PresetName];
  const opened = await openBenchBackends('webgpu', adapter);
  const { device } = opened.ours;
  const tally = new GpuTally();
  const predicted = countAnswering(config, precision, { sequences: 1, tokens: prompt, positions: prompt + tokens });
  const model = randomTransformer(config, precision);
  const rng = new Rng('prompt');
  const ids = Int32Array.from({ length: prompt }, () => rng.int(config.vocabSize));
  const run = async (maxTokens: number): Promise<{ ms: number; cpuMs: number }> => {
    const [startMs, startCpu] = [performance.now(), process.cpuUsage()];
    // No token is the end token: every run is as long as it is asked to be.
    const [completion] = await generateAll(model, [ids], { eosId: -1, maxTokens });
    if (completion === undefined || !completion.logProbs.every(Number.isFinite)) {
      throw new LabError('not-finite', { message: `${shape} in ${precision} gives tokens without a probability.` });
    }
    const { user, system } = process.cpuUsage(startCpu);
    return { ms: performance.now() - startMs, cpuMs: (user + system) / 1000 };
  };
  await run(Math.min(tokens + 1, 3));
  const first = await run(1);
  const all = await run(tokens + 1);
  tally.stop();
  const decodeMs = all.ms - first.ms;
  const embeddings = model.compressed?.get('model.embed_tokens.weight');
  // All linear maps of all tokens, and the head of the last.
  const { vocabSize: V, width: C } = config;
  const prefillFlops = 2 * prompt * (countParameters(config) - V * C) + 2 * V * C;
  return {
    work: `${shape}, ${precision}, prompt of ${prompt}, then ${tokens} tokens`,
    adapter: opened.adapter,
    parameters: countParameters(config),
    predictedBytes: { weights: predicted.weights, total: predicted.total },
    peakBytes: device === undefined ? 0 : tally.peakBytes(device),
    embeddingShards: embeddings?.shards.length ?? 0,
    prefillMs: first.ms,
    prefillGflopPerSec: prefillFlops / first.ms / 1e6,
    decodeTokensPerSec: (1000 * tokens) / decodeMs,
    decodeGBPerSec: (predicted.weights * tokens) / decodeMs / 1e6,
    cpuMs: { prefill: first.cpuMs, decode: all.cpuMs - first.cpuMs },
  };
}

/** The result for people. */
export function answerReport(result: AnswerResult): string[] {
  const { predictedBytes, peakBytes, cpuMs } = result;
  const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(3)} GB`;
  return [
    `${result.work}: ${(result.parameters / 1e6).toFixed(1)} M parameters, on ${result.adapter}`,
    `memory   told ${gb(predictedBytes.total)} (weights ${gb(predictedBytes.weights)}), at most ${gb(peakBytes)} of buffers; embeddings in ${result.embeddingShards} shards`,
    `prefill  ${result.prefillMs.toFixed(0)} ms, ${result.prefillGflopPerSec.toFixed(2)} GFLOP/s; CPU ${cpuMs.prefill.toFixed(0)} ms`,
    `decode   ${result.decodeTokensPerSec.toFixed(2)} tokens/s, ${result.decodeGBPerSec.toFixed(2)} GB/s of weights; CPU ${cpuMs.decode.toFixed(0)} ms`,
  ];
}

function randomTransformer(config: ModelConfig, precision: AnswerBench['precision']): Transformer {
  const weights = new Map<string, tf.Variable>();
  const compressed = new Map<string, CompressedMatrix>();
  for (const [name, shape] of weightShapes(config)) {
    const [O = 0, I] = shape;
    if (I === undefined) weights.set(name, tf.variable(tf.ones([O])));
    else compressed.set(name, uploadCompressed(randomMatrix(name, [O, I], precision)));
  }
  return { config, weights, compressed };
}

/** A matrix of about N(0, 1/I), drawn from few values: what it multiplies keeps its size. */
function randomMatrix(
  name: string,
  shape: readonly [number, number],
  precision: AnswerBench['precision'],
): QuantisedData | HalvesData {
  const rng = new Rng(`bench ${name}`);
  const [O, I] = shape;
  const std = 1 / Math.sqrt(I);
  // A stretch of random bits again and again, of a length that no row divides.
  const stretch = 65_521;
  if (precision === 'f16') {
    const some = floatsToHalves(Float32Array.from({ length: stretch }, () => std * rng.normal()));
    return { shape, halves: repeated(new Uint16Array(O * I), some) };
  }
  const bits = precision === 'int8' ? 8 : 4;
  const groupSize = groupSizeOf(I) ?? I;
  const some = Uint8Array.from({ length: stretch }, () => (bits === 8 ? rng.int(255) - 127 : rng.int(256)));
  // Whole numbers that are all equally likely have a standard deviation of 0.58 times the largest.
  const scale = floatsToHalves(Float32Array.of(std / (0.58 * (bits === 8 ? 127 : 7.5))))[0] ?? 0;
  return {
    shape,
    bits,
    values: repeated(new Uint8Array((O * I * bits) / 8), some),
    scales: new Uint16Array((O * I) / groupSize).fill(scale),
  };
}

function repeated<Bits extends Uint8Array | Uint16Array>(into: Bits, some: Bits): Bits {
  for (let start = 0; start < into.length; start += some.length) {
    into.set(some.subarray(0, Math.min(some.length, into.length - start)), start);
  }
  return into;
}
