/** The replaced kernels while WebAssembly memory grows, which requires filling it. */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../reference/backends.ts';
import { expectClose, filled, stock } from './stock-kernels.ts';

describe('the wasm kernels', () => {
  beforeAll(() => useBackend('wasm'));

  it('access the right memory after allocating the result has moved it', () => {
    const probe = filled([1], 0);
    const heapBytes = (): number => (tf.backend() as BackendWasm).typedArrayFromHeap(probe).buffer.byteLength;
    const held: tf.Tensor[] = [probe];
    for (let growths = 0, bytes = heapBytes(); growths < 3;) {
      const a = filled([4, 16, 2000], held.length);
      const b = filled([4, 16, 160], held.length + 1);
      const got = tf.matMul(a, b, true, false);
      expectClose(got.dataSync(), stock('BatchMatMul', { a, b }, { transposeA: true, transposeB: false }));
      const [begin, size] = [
        [1, 0, 0],
        [2, 2000, 160],
      ];
      const part = tf.slice(got, begin, size);
      expect(part.dataSync()).toEqual(stock('Slice', { x: got }, { begin, size }));
      held.push(a, b, got, part);
      if (heapBytes() > bytes) growths += 1;
      bytes = heapBytes();
    }
    tf.dispose(held);
  });
});
