/**
 * Ops with a kernel but no gradient: the optimizer's update and the ops of inference, in the sizes of a work. Without
 * kernels a composite of tfjs ops does the same: compressed matrices become plain ones, and the CPU samples tokens from
 * logits that it reads back.
 */
import * as tf from '@tensorflow/tfjs';
import { quantise } from '../../src/checkpoint/quantised.ts';
import { fnv1a, Rng } from '../../src/common/rng.ts';
import { usesGpuKernels } from '../../src/gpu/dispatch.ts';
import { sampleToken } from '../../src/infer/sampler.ts';
import { drawnTokens, sampleTokens } from '../../src/kernels/sample-token.ts';
import { disposeWeights, loadWeights } from '../../src/model/weights.ts';
import { cachedAttention, placesAfter, slotTables } from '../../src/ops/cached-attention.ts';
import { decompress, disposeCompressed, toHalves, uploadCompressed } from '../../src/ops/compressed.ts';
import { labelLogProbs } from '../../src/ops/label-log-probs.ts';
import { linear } from '../../src/ops/linear.ts';
import { AdamW } from '../../src/optim/adamw.ts';
import { forwardOp, normalTensor, type TimedOp } from './timed-op.ts';
import { ADAM, type Work } from './work.ts';

/** Rows of completions that are sampled together. */
const DRAWN_ROWS = 64;
const LABELS = [1, 2, 3, 4];

/** The update and the ops of inference. */
export function gradientlessOps(work: Work): TimedOp[] {
  const { B, T, config } = work;
  const [N, V] = [B * T, config.vocabSize];
  return [
    update(work),
    cached(work),
    forwardOp(`labelLogProbs, ${LABELS.length} of [${N},${V}]`, [[N, V]], ([x]) =>
      labelLogProbs(x as tf.Tensor2D, LABELS),
    ),
    drawn(V, 1),
    drawn(V, 0.9),
    ...[N, B].flatMap((rows) => (['f16', 'int8', 'int4'] as const).map((format) => compressed(work, rows, format))),
  ];
}

function update({ config, weights: data, parameters }: Work): TimedOp {
  return {
    op: `AdamW of ${(parameters / 1e6).toFixed(1)} M parameters`,
    open: () => {
      const weights = loadWeights(config, data);
      const optimizer = new AdamW(weights, { ...ADAM, weightDecay: 0.01, maxGradNorm: 1 });
      const gradients = Object.fromEntries([...weights].map(([name, { shape }]) => [name, normalTensor(shape)]));
      return {
        run: () => optimizer.apply(gradients, ADAM.learningRate).dispose(),
        dispose: () => {
          optimizer.dispose();
          disposeWeights(weights);
          tf.dispose(gradients);
        },
      };
    },
  };
}

/** One more token for each of B sequences of T - 1 tokens. */
function cached({ config, B, T: S }: Work): TimedOp {
  const { heads: H, kvHeads: K, headDim: D, ropeTheta } = config;
  return {
    op: `cachedAttention [${B},1,${H},${D}] over ${S} slots`,
    open: () => {
      const heads = { q: normalTensor([B, 1, H, D]), k: normalTensor([B, 1, K, D]), v: normalTensor([B, 1, K, D]) };
      const projected = heads as { [Name in keyof typeof heads]: tf.Tensor4D };
      const cache = { keys: tf.zeros<tf.Rank.R4>([B, K, S, D]), values: tf.zeros<tf.Rank.R4>([B, K, S, D]) };
      const tables = slotTables(S, D, ropeTheta);
      const places = placesAfter({ lengths: new Int32Array(B).fill(S - 1), S, D, ropeTheta, tables }, 1);
      return {
        run: () => {
          const { y, keys, values } = cachedAttention(projected, { q: undefined, k: undefined }, cache, places);
          // Where slots are written in place, the result is the cache itself.
          tf.dispose([y, ...[keys, values].filter((tensor) => tensor !== cache.keys && tensor !== cache.values)]);
        },
        dispose: () => tf.dispose([heads, cache, { ...places.tables }]),
      };
    },
  };
}

/** A sampled token for each row, read back by the CPU. */
function drawn(V: number, topP: number): TimedOp {
  const rows = DRAWN_ROWS;
  return {
    op: `a token of each [${rows},${V}]${topP < 1 ? `, top-p ${topP}` : ''}, read`,
    open: () => {
      const logits = normalTensor([rows, V]) as tf.Tensor2D;
      const ids = tf.tensor1d(new Int32Array(rows).fill(-1), 'int32');
      const hashes = tf.tensor1d(
        Int32Array.from({ length: rows }, (_, row) => fnv1a(`0/${row}/`)),
        'int32',
      );
      const byKernel = async (): Promise<void> => {
        const tokens = drawnTokens(1, rows);
        sampleTokens(logits, { ids, hashes, drawn: tokens }, { temperature: 1, topK: V, topP, eosId: -2 }, 0, 0);
        await tokens.data();
        tokens.dispose();
      };
      const byCpu = async (): Promise<void> => {
        // A new tensor, because tfjs caches the values that were read from a tensor.
        const fresh = tf.clone(tf.add(logits, 0));
        const values = await fresh.data<'float32'>();
        fresh.dispose();
        for (let row = 0; row < rows; row++) {
          sampleToken(values.subarray(row * V, (row + 1) * V), { temperature: 1, seed: 0, topP }, row, 0);
        }
      };
      return { run: usesGpuKernels() ? byKernel : byCpu, dispose: () => tf.dispose([logits, ids, hashes]) };
    },
  };
}

function compressed({ config: { width: C, hidden: F } }: Work, rows: number, format: 'f16' | 'int8' | 'int4'): TimedOp {
  const rng = new Rng('bench compressed');
  return {
    op: `linear by ${format} [${rows},${C}] -> [${rows},${F}]`,
    open: () => {
      const shape = [F, C] as const;
      const weights = Float32Array.from({ length: F * C }, () => rng.normal());
      const data = format === 'f16' ? toHalves(weights, shape) : quantise(weights, shape, format === 'int8' ? 8 : 4);
      const x = normalTensor([rows, C]) as tf.Tensor2D;
      const matrix = usesGpuKernels() ? uploadCompressed(data) : tf.tensor2d(decompress(data), [F, C]);
      return {
        run: () => linear(x, matrix).dispose(),
        dispose: () => {
          x.dispose();
          if ('shards' in matrix) disposeCompressed(matrix);
          else matrix.dispose();
        },
      };
    },
  };
}
