/**
 * The ops of a training step in the sizes of a work: forward and backward, by the lab's kernels where available,
 * otherwise by their composites of tfjs ops.
 */
import type * as tf from '@tensorflow/tfjs';
import { add } from '@tensorflow/tfjs';
import { Rng } from '../../src/common/rng.ts';
import type { TrainingPrecision } from '../../src/config/sft-config.ts';
import { packRows } from '../../src/data/packed-rows.ts';
import { causalAttention, spanVisibility } from '../../src/ops/attention.ts';
import { embedding, selectRows } from '../../src/ops/embedding.ts';
import { linear, linearInput } from '../../src/ops/linear.ts';
import { rmsNorm } from '../../src/ops/rms-norm.ts';
import { rope, ropeTables } from '../../src/ops/rope.ts';
import { swiGlu } from '../../src/ops/swiglu.ts';
import { tokenLogProbs } from '../../src/ops/token-log-probs.ts';
import { tokenScores } from '../../src/ops/token-scores.ts';
import { differentiatedOp, type TimedOp } from './timed-op.ts';
import type { Work } from './work.ts';

/** Parts of a packed row after the shared prefix, which is half of the row. */
const PARTS = 4;

type M = tf.Tensor2D;
type Heads = tf.Tensor4D;

/** The ops of a step, forward and backward. */
export function trainingOps({ config, B, T }: Work): TimedOp[] {
  const { vocabSize: V, width: C, heads: H, kvHeads: K, headDim: D, hidden: F, normEps: eps } = config;
  const N = B * T;
  const rng = new Rng('bench kernels');
  const ids = Int32Array.from({ length: N }, () => rng.int(V));
  const half = Int32Array.from({ length: Math.ceil(N / 2) }, (_, i) => 2 * i);
  const shared = new Int32Array(Math.floor(T / 2));
  const parts = Array.from({ length: PARTS }, () => new Int32Array(Math.floor((T - shared.length) / PARTS)));
  const rows = Array.from({ length: B }, () => ({ shared, parts }));
  const { spans } = packRows(rows, T).layout;
  const attended = [
    [B, T, H, D],
    [B, T, K, D],
    [B, T, K, D],
  ];
  // Plain tfjs has no halves, so the mixed product is compared with a float32 one.
  const linearOp = (I: number, O: number, precision: TrainingPrecision = 'f32'): TimedOp => {
    const shapes = [
      [N, I],
      [O, I],
    ];
    const name = `linear [${N},${I}] -> [${N},${O}]${precision === 'f32' ? '' : ', mixed'}`;
    return differentiatedOp(name, shapes, ([x, w], owner) =>
      linear(linearInput(x as M, owner === 'ours' ? precision : 'f32'), w as M),
    );
  };
  return [
    linearOp(C, F),
    linearOp(F, C),
    linearOp(C, F, 'mixed'),
    differentiatedOp(`rmsNorm [${N},${C}]`, [[N, C], [C]], ([x, g]) => rmsNorm(x as M, g as tf.Tensor1D, eps)),
    differentiatedOp(`rope of normed [${B},${T},${H},${D}]`, [[B, T, H, D], [D]], ([x, gain]) =>
      rope(x as Heads, ropeTables(0, T, D, 10_000), { gain: gain as tf.Tensor1D, eps }),
    ),
    differentiatedOp(`causalAttention [${B},${T},${H},${D}] over ${K} heads`, attended, ([q, k, v]) =>
      causalAttention(q as Heads, k as Heads, v as Heads),
    ),
    differentiatedOp(`the same in rows of ${shared.length} shared and ${PARTS} parts`, attended, ([q, k, v]) =>
      causalAttention(q as Heads, k as Heads, v as Heads, spanVisibility(spans, B, T)),
    ),
    differentiatedOp(
      `linear [${N},${C}] -> [${N},${F}], gated`,
      [
        [N, C],
        [F, C],
        [N, F],
      ],
      ([x, w, gate]) => linear(x as M, w as M, { gate: gate as M }),
    ),
    differentiatedOp(
      `swiGlu [${N},${F}]`,
      [
        [N, F],
        [N, F],
      ],
      ([gate, up]) => swiGlu(gate as M, up as M),
    ),
    differentiatedOp(`tokenLogProbs [${N},${V}]`, [[N, V]], ([x]) => tokenLogProbs(x as M, ids)),
    differentiatedOp(`tokenScores [${N},${V}]`, [[N, V]], ([x]) => {
      const { logProbs, entropies } = tokenScores(x as M, ids);
      return add(logProbs, entropies());
    }),
    differentiatedOp(`embedding of ${N} in [${V},${C}]`, [[V, C]], ([table]) => embedding(table as M, ids)),
    differentiatedOp(`selectRows ${half.length} of [${N},${C}]`, [[N, C]], ([x]) => selectRows(x as M, half)),
  ];
}
