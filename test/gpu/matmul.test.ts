/**
 * Products on WebGPU: every variant against a double-precision reference, and bit for bit against each other, because a
 * run must not depend on which variant was fastest.
 */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { halvesToFloats } from '../../src/checkpoint/float16.ts';
import { measureVariants, subgroupLanes, variantChoices } from '../../src/gpu/dispatch.ts';
import { packHalves } from '../../src/kernels/halves.ts';
import { matmulBy, matmulKernel, type Matrix, matmulVariants } from '../../src/kernels/matmul.ts';
import type { Arrangement, MatmulVariant } from '../../src/kernels/matmul-shader.ts';
import { useWebGpu } from '../reference/backends.ts';
import { expectClose } from '../reference/expect-close.ts';
import { randomTensor64 } from '../reference/random-tensor64.ts';
import { tensor64, type Tensor64 } from '../reference/tensor64.ts';
import { describeGpu, DEVICES, openGpu } from '../setup/dawn.ts';

const ARRANGEMENTS: readonly Arrangement[] = ['nn', 'nt', 'tn'];
const TOLERANCE = { absolute: 1e-4, relative: 1e-4 };

/** [M,N,K] with rows of whole vectors: the smallest, within a tile, whole tiles, across tiles on each axis. */
const SHAPES = [
  [4, 4, 4],
  [20, 12, 36],
  [64, 64, 32],
  [68, 132, 52],
] as const;
/** One number, odd sizes, across blocks: for the variant that supports all shapes. */
const ODD_SHAPES = [
  [1, 1, 1],
  [5, 7, 3],
  [33, 65, 9],
] as const;

/** The stored shapes of the operands of a product. */
function storedShapes(arrangement: Arrangement, [M, N, K]: readonly [number, number, number]) {
  const a: [number, number] = arrangement === 'tn' ? [K, M] : [M, K];
  const b: [number, number] = arrangement === 'nt' ? [N, K] : [K, N];
  return { a, b };
}

function productReference(a: Tensor64, b: Tensor64, arrangement: Arrangement, size: readonly [number, number, number]) {
  const [M, N, K] = size;
  const product = tensor64([M, N]);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) {
        const left = a.data[arrangement === 'tn' ? k * M + m : m * K + k] ?? NaN;
        sum += left * (b.data[arrangement === 'nt' ? n * K + k : k * N + n] ?? NaN);
      }
      product.data[m * N + n] = sum;
    }
  }
  return product;
}

const upload = ({ data, shape }: Tensor64): tf.Tensor => tf.tensor(Float32Array.from(data), [...shape]);
const silu = (z: number): number => z / (1 + Math.exp(-z));

describeGpu('matrix products', () => {
  describe.each(DEVICES)('on a device of kind "%s"', (kind) => {
    const gpuErrors: string[] = [];
    beforeAll(async () => {
      const device = await useWebGpu(openGpu(), kind);
      device.addEventListener('uncapturederror', ({ error }) => gpuErrors.push(error.message));
    });
    afterEach(() => expect(gpuErrors).toEqual([]));

    it('have a subgroup variant where the subgroup size is known', () => {
      const names = matmulVariants('nn').map(({ name }) => name);
      expect(names.includes('lanes')).toBe(kind === 'full');
      expect(subgroupLanes() !== undefined).toBe(kind === 'full');
    });

    describe.each(ARRANGEMENTS)('arranged as %s', (arrangement) => {
      const names = kind === 'full' ? ['blocks', 'outer', 'tiles', 'lanes'] : ['blocks', 'outer', 'tiles'];
      const named = (name: string): MatmulVariant => {
        const found = matmulVariants(arrangement).find((variant) => variant.name === name);
        if (found === undefined) throw new Error(`no variant ${name}`);
        return found;
      };

      it.each([...SHAPES, ...ODD_SHAPES].map((shape) => [shape] as const))(
        'are correct and identical in all variants: %j',
        async (shape) => {
          const before = tf.memory().numTensors;
          const [M, N] = shape;
          const shapes = storedShapes(arrangement, shape);
          const a = randomTensor64(shapes.a, `a ${shape.join(' ')}`);
          const b = randomTensor64(shapes.b, `b ${shape.join(' ')}`);
          const [bias, residual, gate] = [
            randomTensor64([N], 'bias'),
            randomTensor64([M, N], 'residual'),
            randomTensor64([M, N], 'gate'),
          ];
          const plain = productReference(a, b, arrangement, shape);
          const [tA, tB, tBias, tResidual, tGate] = [a, b, bias, residual, gate].map(upload) as [
            tf.Tensor2D,
            tf.Tensor2D,
            tf.Tensor1D,
            tf.Tensor2D,
            tf.Tensor2D,
          ];
          const seen: Record<string, readonly number[]> = {};
          const judge = async (label: string, tensor: tf.Tensor | undefined, expected: (i: number) => number) => {
            const values = [...((await tensor?.data()) ?? [])];
            tensor?.dispose();
            expectClose(
              values,
              Float64Array.from(plain.data, (_, i) => expected(i)),
              TOLERANCE,
              label,
            );
            const kindOfValue = label.split(', ')[1] ?? '';
            seen[kindOfValue] ??= values;
            expect(values, `${label}, against the first variant`).toEqual(seen[kindOfValue]);
          };
          const sum = (i: number): number => plain.data[i] ?? NaN;
          for (const name of shape[0] % 4 === 0 ? names : ['blocks']) {
            await judge(`${name}, plain`, matmulBy(named(name), tA, tB, arrangement).product, sum);
            const extras = { bias: tBias, residual: tResidual, gate: tGate };
            const { product, gated } = matmulBy(named(name), tA, tB, arrangement, extras);
            const added = (i: number): number => sum(i) + (bias.data[i % N] ?? NaN) + (residual.data[i] ?? NaN);
            await judge(`${name}, added`, product, added);
            await judge(`${name}, gated`, gated, (i) => added(i) * silu(gate.data[i] ?? NaN));
          }
          tf.dispose([tA, tB, tBias, tResidual, tGate]);
          expect(tf.memory().numTensors).toBe(before);
        },
      );

      const halves = [
        [true, true],
        [false, true],
      ] as const;
      it.each(halves.slice(0, inject('isWhole') ? 2 : 1))(
        'treat halves like floats of the same values, A: %s, B: %s',
        async (ofA, ofB) => {
          for (const shape of [
            [20, 28, 36],
            [68, 72, 40],
          ] as const) {
            const shapes = storedShapes(arrangement, shape);
            const [a, b] = [randomTensor64(shapes.a, 'half a'), randomTensor64(shapes.b, 'half b')].map(upload) as [
              tf.Tensor2D,
              tf.Tensor2D,
            ];
            const halfOf = (x: tf.Tensor2D): Matrix => ({ packed: packHalves(x), shape: x.shape });
            const widened = async (half: Matrix): Promise<tf.Tensor2D> => {
              if (!('packed' in half)) return half;
              const words = await half.packed.data<'int32'>();
              return tf.tensor2d(halvesToFloats(new Uint16Array(words.buffer, words.byteOffset, 2 * words.length)), [
                ...half.shape,
              ]);
            };
            const [left, right] = [ofA ? halfOf(a) : a, ofB ? halfOf(b) : b];
            const [leftFloats, rightFloats] = [await widened(left), await widened(right)];
            const expected = matmulBy(named('blocks'), leftFloats, rightFloats, arrangement).product;
            for (const name of names) {
              const { product } = matmulBy(named(name), left, right, arrangement);
              expect([...(await product.data())], `${name} ${shape.join(' ')}`).toEqual([...(await expected.data())]);
              product.dispose();
            }
            tf.dispose([a, b, leftFloats, rightFloats, expected]);
            for (const half of [left, right]) if ('packed' in half) half.packed.dispose();
          }
        },
      );
    });

    it.each([
      ['does not compile', 'fn nothing() -> f32 { return 0; }'],
      ['writes nothing', 'fn main() { if (sizes.M == 0u) { store(0u, 0u, load_a(0u, 0u) * load_b(0u, 0u)); } }'],
      ['writes only a part', 'fn main() { store(0u, 0u, load_a(0u, 0u) * load_b(0u, 0u)); }'],
    ])('never choose a variant that %s', async (defect, text) => {
      const [a, b] = [randomTensor64([64, 64], 3), randomTensor64([64, 64], 4)].map(upload) as [
        tf.Tensor2D,
        tf.Tensor2D,
      ];
      const [good] = matmulVariants('nn');
      const bad: MatmulVariant = { ...good, name: defect, main: () => `@compute @workgroup_size(1) ${text}` };
      const key = `test ${defect}`;
      const contest = {
        key,
        variants: [good, bad] as const,
        source: (variant: MatmulVariant) => variant.main(),
        prepare: () => [a.clone(), b.clone()],
        compute: (variant: MatmulVariant, [x, y]: tf.Tensor[]) => {
          return [matmulBy(variant, x as tf.Tensor2D, y as tf.Tensor2D, 'nn').product];
        },
      };
      variantChoices().pick(contest);
      await measureVariants();
      expect(variantChoices().chosen.get(key)).toBe(good.name);
      tf.dispose([a, b]);
    });

    it('choose a variant by measurement only once and keep their bits', async () => {
      const [a, b] = [randomTensor64([128, 96], 1), randomTensor64([80, 96], 2)].map(upload) as [
        tf.Tensor2D,
        tf.Tensor2D,
      ];
      const before = matmulKernel(a, b, 'nt');
      const tensors = tf.memory().numTensors;
      await measureVariants();
      expect(tf.memory().numTensors).toBe(tensors);
      const chosen = new Map(variantChoices().chosen);
      expect(chosen.has('product nt f32 f32 256 x 64 x 64')).toBe(true);
      const after = matmulKernel(a, b, 'nt');
      await measureVariants();
      expect(new Map(variantChoices().chosen)).toEqual(chosen);
      expect([...(await after.data())]).toEqual([...(await before.data())]);
      tf.dispose([a, b, before, after]);
    });
  });
});
