/**
 * The axis letters used in every comment and signature of the lab, and the one way to check a shape.
 *
 * **B** batch, **T** query positions, **S** key positions, **C** width, **H** heads, **K** kv-heads, **D** head dim,
 * **F** hidden, **V** vocab, **L** layers, **N** = B*T rows, **P** prompts, **G** samples per prompt, **R** labels.
 */
import { LabError } from './errors.ts';

/**
 * Checks that `got` equals `expected`; -1 in `expected` matches any size.
 *
 * @throws {LabError} `bad-shape`, naming the tensor and both shapes.
 */
export function assertShape(name: string, got: readonly number[], expected: readonly number[]): void {
  const fits = got.length === expected.length && expected.every((size, axis) => size === -1 || size === got[axis]);
  if (fits) return;
  throw new LabError('bad-shape', {
    message: `Tensor ${name} has the wrong shape.`,
    expected: `[${expected.join(', ').replaceAll('-1', '*')}]`,
    got: `[${got.join(', ')}]`,
  });
}
