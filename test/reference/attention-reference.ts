/**
 * Causal grouped-query attention in double precision, one query position at a time.
 */
import { softmaxRow } from './softmax-reference.ts';
import { at, axisOf, dot, rowsOf, tensor64, type Tensor64 } from './tensor64.ts';

/** Which keys a query may see. Everything given must hold at once. */
export interface AttentionVisibility {
  /** Query t sees key s only if s <= t + S - T: the queries are the last T of the S positions. Default true. */
  readonly causal?: boolean;
  /** [B][S] whether a key is a real token and not padding. Default: all are. */
  readonly keyIsReal?: readonly (readonly boolean[])[];
  /** [B][S] the sequence a position belongs to, where several are packed in one row. Default: one sequence per row. */
  readonly segments?: readonly (readonly number[])[];
  /** [B] so many keys at the start of a row are seen from all its segments of a number from 0 on. Default 0. */
  readonly sharedKeys?: readonly number[];
}

/**
 * softmax(q k^T / sqrt(D)) v over the visible keys; kv-head h * K / H (rounded down) serves query head h. A query that
 * sees no key at all yields zeros.
 *
 * @param q - [B, H, T, D]
 * @param k - [B, K, S, D], H a multiple of K
 * @param v - [B, K, S, D]
 * @returns [B, H, T, D]
 */
export function attentionReference(
  q: Tensor64,
  k: Tensor64,
  v: Tensor64,
  visibility: AttentionVisibility = {},
): Tensor64 {
  const [B, H, T, D] = [axisOf(q, 0), axisOf(q, 1), axisOf(q, 2), axisOf(q, 3)];
  const [K, S] = [axisOf(k, 1), axisOf(k, 2)];
  const y = tensor64([B, H, T, D]);
  const [qRows, kRows, vRows, yRows] = [rowsOf(q), rowsOf(k), rowsOf(v), rowsOf(y)];
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const kvHead = Math.floor((h * K) / H);
      const keyRow = (s: number) => (b * K + kvHead) * S + s;
      for (let t = 0; t < T; t++) {
        const queryRow = (b * H + h) * T + t;
        const scores = Array.from({ length: S }, (_, s) =>
          isVisible(visibility, b, t + S - T, s)
            ? dot(at(qRows, queryRow), at(kRows, keyRow(s))) / Math.sqrt(D)
            : -Infinity,
        );
        const out = at(yRows, queryRow);
        for (const [s, probability] of softmaxRow(scores).entries()) {
          for (const [d, value] of at(vRows, keyRow(s)).entries()) out[d] = at(out, d) + probability * value;
        }
      }
    }
  }
  return y;
}

function isVisible(visibility: AttentionVisibility, b: number, queryPosition: number, s: number): boolean {
  const { causal = true, keyIsReal, segments, sharedKeys } = visibility;
  if (causal && s > queryPosition) return false;
  if (keyIsReal !== undefined && !at(at(keyIsReal, b), s)) return false;
  if (segments === undefined) return true;
  const row = at(segments, b);
  if (at(row, queryPosition) >= 0 && s < (sharedKeys?.[b] ?? 0)) return true;
  return at(row, s) === at(row, queryPosition);
}
