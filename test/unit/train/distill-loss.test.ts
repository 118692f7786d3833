import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { distillLoss, generalizedJsd, temperedKl } from '../../../src/train/distill-loss.ts';
import { useBackend } from '../../reference/backends.ts';
import { jsdReference, temperedKlReference } from '../../reference/distill-reference.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { judgeOp } from '../../reference/judge-op.ts';
import { opCase } from '../../reference/op-case.ts';
import { klReference } from '../../reference/policy-reference.ts';
import { randomTensor64 } from '../../reference/random-tensor64.ts';
import { softmaxRow } from '../../reference/softmax-reference.ts';
import { at, rowsOf, tensor64 } from '../../reference/tensor64.ts';

const SHAPES = [
  [1, 2],
  [7, 5],
  [33, 130],
] as const;
const CLOSE = { absolute: 1e-5, relative: 1e-5 };

/** A loss of student rows against fixed teacher rows, with its reference. */
function lossCase(
  title: string,
  [N, V]: readonly [number, number],
  op: (student: tf.Tensor2D, teacher: tf.Tensor2D) => tf.Tensor1D,
  reference: (student: Float64Array, teacher: Float64Array) => number,
) {
  const teacher = randomTensor64([N, V], `teacher ${N}`, 2);
  return opCase<[tf.Tensor2D]>(
    `${title} [${N},${V}]`,
    [randomTensor64([N, V], `student ${N}`, 2)],
    (logits) => op(logits, tf.tensor2d(Float32Array.from(teacher.data), [N, V])),
    (logits) =>
      tensor64(
        [N],
        rowsOf(logits).map((row, n) => reference(row, at(rowsOf(teacher), n))),
      ),
  );
}

describe.each(['cpu', 'wasm'] as const)('distillation losses on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(
    SHAPES.flatMap((shape) =>
      [0.1, 0.5, 0.9].map((beta) =>
        lossCase(
          `JSD ${beta}`,
          shape,
          (student, teacher) => generalizedJsd(student, teacher, beta),
          (student, teacher) => jsdReference(student, teacher, beta),
        ),
      ),
    ),
  )('$title', judgeOp);

  it.each(
    SHAPES.flatMap((shape) =>
      [1, 2, 5].map((temperature) =>
        lossCase(
          `tempered KL ${temperature}`,
          shape,
          (student, teacher) => temperedKl(student, teacher, temperature),
          (student, teacher) => temperedKlReference(student, teacher, temperature),
        ),
      ),
    ),
  )('$title', judgeOp);

  it.each(
    SHAPES.flatMap((shape) => [
      lossCase(
        'JSD 0 is KL(teacher || student)',
        shape,
        (student, teacher) => generalizedJsd(student, teacher, 0),
        (student, teacher) => klReference(softmaxRow(teacher), softmaxRow(student)),
      ),
      lossCase(
        'JSD 1 is KL(student || teacher)',
        shape,
        (student, teacher) => generalizedJsd(student, teacher, 1),
        (student, teacher) => klReference(softmaxRow(student), softmaxRow(teacher)),
      ),
    ]),
  )('$title', judgeOp);

  it('stays finite where a model is certain, right or wrong', async () => {
    const [sure, other] = [tf.tensor2d([[1000, 0, -1000]]), tf.tensor2d([[-1000, 0, 1000]])];
    expectClose(await generalizedJsd(sure, sure, 0.5).data(), [0], CLOSE);
    expectClose(await generalizedJsd(sure, other, 0.5).data(), [Math.LN2], CLOSE);
    const slope = tf.grad((logits) => generalizedJsd(tf.reshape(logits, [1, 3]), other, 0.5))(sure);
    expect((await slope.data()).every(Number.isFinite)).toBe(true);
    expectClose(await temperedKl(sure, sure, 2).data(), [0], CLOSE);
  });
});

describe('distillLoss', () => {
  it('compares label tokens only for label KD, whatever the models predict for others', async () => {
    await useBackend('wasm');
    const [student, teacher] = [tf.tensor2d([[5, 1, 0, 2, -3]]), tf.tensor2d([[0, 2, 9, 1, 0]])];
    const loss = distillLoss({ kind: 'label-kd', temperature: 3 }, [3, 1]);
    const rows = { logits: student, targets: Int32Array.of(0), teacher: () => teacher };
    expectClose(await loss(rows).data(), [temperedKlReference(Float64Array.of(2, 1), Float64Array.of(1, 2), 3)], CLOSE);
    const slope = tf.grad((logits) => loss({ ...rows, logits: tf.reshape(logits, [1, 5]) }))(student);
    const values = await slope.data();
    expect([values[0], values[2], values[4]]).toEqual([0, 0, 0]);
    expect(values[1]).toBeLessThan(0); // the teacher gives it more
    expect(values[3]).toBeCloseTo(-(values[1] ?? NaN), 6);
  });

  it('is the negative log-likelihood for methods on tokens', async () => {
    const logits = tf.tensor2d([[0, Math.log(3)]]);
    const loss = distillLoss({ kind: 'hard-label' }, []);
    const unread = (): never => {
      throw new Error('the teacher was asked');
    };
    expectClose(await loss({ logits, targets: Int32Array.of(1), teacher: unread }).data(), [Math.log(4 / 3)], CLOSE);
  });
});

describe('JSD towards its end points', () => {
  const [student, teacher] = rowsOf(randomTensor64([2, 9], 'end points', 1.5));
  if (student === undefined || teacher === undefined) throw new Error('unreachable');
  const forward = klReference(softmaxRow(teacher), softmaxRow(student));
  const reverse = klReference(softmaxRow(student), softmaxRow(teacher));

  it('divided by beta tends to KL(teacher || student), by 1 - beta to KL(student || teacher)', () => {
    for (const beta of [1e-3, 1e-5]) {
      expect(jsdReference(student, teacher, beta) / beta).toBeCloseTo(forward, beta < 1e-4 ? 3 : 1);
      expect(jsdReference(student, teacher, 1 - beta) / beta).toBeCloseTo(reverse, beta < 1e-4 ? 3 : 1);
    }
  });

  it('does so in the training code', async () => {
    await useBackend('cpu');
    const rows = (row: Float64Array): tf.Tensor2D => tf.tensor2d(Float32Array.from(row), [1, row.length]);
    const value = async (beta: number): Promise<number> =>
      (await generalizedJsd(rows(student), rows(teacher), beta).data())[0] ?? NaN;
    // Not closer to the end, where single precision would dominate.
    expect((await value(0.01)) / 0.01).toBeCloseTo(jsdReference(student, teacher, 0.01) / 0.01, 2);
    expect((await value(0.01)) / 0.01 / forward).toBeGreaterThan(0.9);
    expect((await value(0.99)) / 0.01 / reverse).toBeGreaterThan(0.9);
    expect(await value(0)).toBeCloseTo(forward, 5);
    expect(await value(1)).toBeCloseTo(reverse, 5);
  });
});
