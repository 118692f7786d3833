/**
 * What the modules of a model give for sequences of a batch, as the root of the mean square over their scored rows:
 * attention and MLP what they add to the residual stream, embedding, layers and final norm the stream itself.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TrainingBatch } from '../data/batches.ts';
import { forwardObserved, type Transformer } from '../model/transformer.ts';
import { selectRows } from '../ops/embedding.ts';
import { dot } from '../ops/sums.ts';

/** Measured on the backend, not read yet; {@link takeActivations} reads and frees it. */
export interface Activations {
  /** The paths of modules, as weights are named. */
  readonly modules: readonly string[];
  /** The mean square of each. */
  readonly squares: tf.Tensor1D;
}

/** A mean square needs few rows, and each logged step pays for them. */
export const SEQUENCES = 2;

/** One more forward pass over the first sequences of a batch, without a gradient. @param sequences - default 2 */
export function measureActivations(
  model: Transformer,
  { T, ids, layout, ...batch }: Pick<TrainingBatch, 'B' | 'T' | 'ids' | 'layout' | 'rows' | 'weights'>,
  sequences: number = SEQUENCES,
): Activations {
  const B = Math.min(batch.B, sequences);
  const N = B * T;
  const rows = batch.rows.filter((row, i) => row < N && (batch.weights[i] ?? 0) > 0); // the others pad
  const part = {
    B,
    T,
    ids: ids.subarray(0, N),
    ...(layout && { layout: { positions: layout.positions.subarray(0, N), spans: layout.spans.subarray(0, 2 * N) } }),
  };
  const modules: string[] = [];
  const squares = tf.tidy(() => {
    const found: tf.Scalar[] = [];
    const add = (module: string, values: tf.Tensor2D): void => {
      modules.push(module);
      found.push(tf.tidy(() => meanSquare(selectRows(values, rows))));
    };
    let before: tf.Tensor2D | undefined;
    const added = (module: string, stream: tf.Tensor2D): void => {
      if (before !== undefined) add(module, tf.sub(stream, before));
      before = stream;
    };
    const last = forwardObserved(model, part, {
      onAttention: () => undefined,
      onAttended: (layer, stream) => added(`model.layers.${layer}.self_attn`, stream),
      onStream: (layer, stream) => {
        if (layer > 0) added(`model.layers.${layer - 1}.mlp`, stream);
        before = stream;
        add(layer === 0 ? 'model.embed_tokens' : `model.layers.${layer - 1}`, stream);
      },
    });
    add('model.norm', last);
    return tf.stack(found) as tf.Tensor1D;
  });
  return { modules, squares };
}

/** Reads and frees what was measured: by module; null where one is not finite. */
export async function takeActivations({ modules, squares }: Activations): Promise<Record<string, number> | null> {
  const values = await squares.data<'float32'>(); // GPU -> CPU sync
  squares.dispose();
  if (!values.every((value) => Number.isFinite(value))) return null;
  return Object.fromEntries(modules.map((module, i) => [module, Math.sqrt(values[i] ?? NaN)]));
}

function meanSquare(values: tf.Tensor2D): tf.Scalar {
  return tf.div(dot(values, values), values.size);
}
