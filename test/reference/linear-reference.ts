/**
 * Matrix products and look-ups of a decoder, with weights laid out as checkpoints have them: [out, in].
 */
import { at, axisOf, dot, rowsOf, tensor64, type Tensor64 } from './tensor64.ts';

/**
 * y = x W^T + b.
 *
 * @param x - [..., in]
 * @param weight - [out, in]
 * @param bias - [out]; none by default.
 * @returns [..., out]
 */
export function linearReference(x: Tensor64, weight: Tensor64, bias?: Tensor64): Tensor64 {
  const outRows = rowsOf(weight);
  const y = tensor64([...x.shape.slice(0, -1), outRows.length]);
  const yRows = rowsOf(y);
  for (const [n, xRow] of rowsOf(x).entries()) {
    const yRow = at(yRows, n);
    for (const [o, weightRow] of outRows.entries()) {
      yRow[o] = dot(xRow, weightRow) + (bias === undefined ? 0 : at(bias.data, o));
    }
  }
  return y;
}

/**
 * The rows of a table by id.
 *
 * @param table - [V, C]
 * @param ids - N ids in [0, V)
 * @returns [N, C]
 */
export function embeddingReference(table: Tensor64, ids: readonly number[]): Tensor64 {
  const tableRows = rowsOf(table);
  const y = tensor64([ids.length, axisOf(table, 1)]);
  for (const [n, row] of rowsOf(y).entries()) row.set(at(tableRows, at(ids, n)));
  return y;
}
