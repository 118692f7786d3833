/**
 * One answer of a model of any size with compressed matrices: predicted and measured memory, a prefill, and decoding
 * token by token. Weights are random and created matrix by matrix, so a shape of 0.6 B needs no more memory here than
 * on the GPU.
 *
 * Every token reads all weights once, so the bytes per second of decoding, compared with the memory bandwidth of the
 * machine, show how close decoding is to its limit. A prefill multiplies matrices, so its rate is in floating point
 * operations.
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
import type { Surroundings } from './surroundings.ts';
import { GpuTally } from './gpu-tally.ts';

/** Shapes in addition to the presets. Qwen3-0.6B is from its config.json (huggingface.co/Qwen/Qwen3-0.6B). */
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

/** The settings of the benchmark. */
export interface AnswerBench {
  readonly shape: (typeof ANSWER_SHAPES)[number];
  readonly precision: Exclude<Precision, 'f32'>;
  /** Tokens of the prompt. */
  readonly prompt: number;
  /** Generated tokens after the first. */
  readonly tokens: number;
}

/** The measurements. */
export interface AnswerResult {
  readonly work: string;
  readonly adapter: string;
  readonly parameters: number;
  /** Counted before anything is allocated. */
  readonly predictedBytes: { readonly weights: number; readonly total: number };
  /** The peak of the allocated buffers. */
  readonly peakBytes: number;
  /** The shards of the embeddings: more than one where they exceed the largest binding. */
  readonly embeddingShards: number;
  readonly prefillMs: number;
  readonly prefillGflopPerSec: number;
  readonly decodeTokensPerSec: number;
  readonly decodeGBPerSec: number;
  /** CPU time of all threads in milliseconds; on a software adapter it includes the GPU work. */
  readonly cpuMs: { readonly prefill: number; readonly decode: number };
}

/**
 * Runs the work once to compile and once to measure.
 *
 * @throws {LabError} `not-finite` for a non-finite log-probability
 */
export async function benchAnswer(
  { shape, precision, prompt, tokens }: AnswerBench,
  { openBackends, cpuMs }: Pick<Surroundings, 'openBackends' | 'cpuMs'>,
): Promise<AnswerResult> {
  const config: ModelConfig =
    shape in LARGE_SHAPES ? LARGE_SHAPES[shape as keyof typeof LARGE_SHAPES] : MODEL_PRESETS[shape as PresetName];
  const opened = await openBackends('webgpu');
  const { device } = opened.ours;
  const tally = new GpuTally();
  const predicted = countAnswering(config, precision, { sequences: 1, tokens: prompt, positions: prompt + tokens });
  const model = randomTransformer(config, precision);
  const rng = new Rng('prompt');
  const ids = Int32Array.from({ length: prompt }, () => rng.int(config.vocabSize));
  const run = async (maxTokens: number): Promise<{ ms: number; cpuMs: number }> => {
    const [startMs, startCpuMs] = [performance.now(), await cpuMs()];
    // Without an end token every run has the requested length.
    const [completion] = await generateAll(model, [ids], { eosId: -1, maxTokens });
    if (completion === undefined || !completion.logProbs.every(Number.isFinite)) {
      throw new LabError('not-finite', {
        message: `${shape} in ${precision} gives tokens with a non-finite log-probability.`,
      });
    }
    return { ms: performance.now() - startMs, cpuMs: (await cpuMs()) - startCpuMs };
  };
  await run(Math.min(tokens + 1, 3));
  const first = await run(1);
  const all = await run(tokens + 1);
  tally.stop();
  const decodeMs = all.ms - first.ms;
  const embeddings = model.compressed?.get('model.embed_tokens.weight');
  // All linear layers for all tokens, and the head for the last token.
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

/** The result as text. */
export function answerReport(result: AnswerResult): string[] {
  const { predictedBytes, peakBytes, cpuMs } = result;
  const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(3)} GB`;
  return [
    `${result.work}: ${(result.parameters / 1e6).toFixed(1)} M parameters, on ${result.adapter}`,
    `memory   predicted ${gb(predictedBytes.total)} (weights ${gb(predictedBytes.weights)}), measured peak ${gb(peakBytes)}; embeddings in ${result.embeddingShards} shards`,
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

/** A matrix of about N(0, 1/I), repeated from few random values; products keep the scale of their inputs. */
function randomMatrix(
  name: string,
  shape: readonly [number, number],
  precision: AnswerBench['precision'],
): QuantisedData | HalvesData {
  const rng = new Rng(`bench ${name}`);
  const [O, I] = shape;
  const std = 1 / Math.sqrt(I);
  // Repeats one block of random bits; its length is no multiple or divisor of a row.
  const blockLength = 65_521;
  if (precision === 'f16') {
    const block = floatsToHalves(Float32Array.from({ length: blockLength }, () => std * rng.normal()));
    return { shape, halves: repeated(new Uint16Array(O * I), block) };
  }
  const bits = precision === 'int8' ? 8 : 4;
  const groupSize = groupSizeOf(I) ?? I;
  const block = Uint8Array.from({ length: blockLength }, () => (bits === 8 ? rng.int(255) - 127 : rng.int(256)));
  // Uniformly distributed integers have a standard deviation of 0.58 times the largest.
  const scale = floatsToHalves(Float32Array.of(std / (0.58 * (bits === 8 ? 127 : 7.5))))[0] ?? 0;
  return {
    shape,
    bits,
    values: repeated(new Uint8Array((O * I * bits) / 8), block),
    scales: new Uint16Array((O * I) / groupSize).fill(scale),
  };
}

function repeated<Bits extends Uint8Array | Uint16Array>(into: Bits, block: Bits): Bits {
  for (let start = 0; start < into.length; start += block.length) {
    into.set(block.subarray(0, Math.min(block.length, into.length - start)), start);
  }
  return into;
}
