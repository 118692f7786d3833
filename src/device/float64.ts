/** What the self-checks compare with: products and attention in double precision, as plainly as they can be written. */

/** A tensor in double precision, row by row. */
export interface Tensor64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** `op(A) op(B)`: A `[M,K]` or, with `tn`, `[K,M]`; B `[K,N]` or, with `nt`, `[N,K]`. */
export function product64(a: Tensor64, b: Tensor64, arrangement: 'nn' | 'nt' | 'tn'): Float64Array {
  const [rowsA = 0, columnsA = 0] = a.shape;
  const [rowsB = 0, columnsB = 0] = b.shape;
  const [M, K] = arrangement === 'tn' ? [columnsA, rowsA] : [rowsA, columnsA];
  const N = arrangement === 'nt' ? rowsB : columnsB;
  const result = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) {
        const ofA = a.data[arrangement === 'tn' ? k * M + m : m * K + k] ?? NaN;
        sum += ofA * (b.data[arrangement === 'nt' ? n * K + k : k * N + n] ?? NaN);
      }
      result[m * N + n] = sum;
    }
  }
  return result;
}

/** Causal attention of q `[B,T,H,D]` over k and v `[B,T,K,D]`, and its gradients for dY `[B,T,H,D]`. */
export function attention64(
  q: Tensor64,
  k: Tensor64,
  v: Tensor64,
  dY: Tensor64,
): Readonly<Record<'y' | 'dQ' | 'dK' | 'dV', Float64Array>> {
  const [B = 0, T = 0, H = 0, D = 0] = q.shape;
  const K = k.shape[2] ?? 0;
  const result = {
    y: new Float64Array(q.data.length),
    dQ: new Float64Array(q.data.length),
    dK: new Float64Array(k.data.length),
    dV: new Float64Array(k.data.length),
  };
  const inner = (x: Float64Array, atX: number, z: Float64Array, atZ: number): number => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += (x[atX + d] ?? NaN) * (z[atZ + d] ?? NaN);
    return sum;
  };
  const addTo = (sum: Float64Array, at: number, factor: number, x: Float64Array, atX: number): void => {
    for (let d = 0; d < D; d++) sum[at + d] = (sum[at + d] ?? NaN) + factor * (x[atX + d] ?? NaN);
  };
  const scale = 1 / Math.sqrt(D);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const ofKey = (s: number): number => ((b * T + s) * K + Math.floor((h * K) / H)) * D;
      for (let t = 0; t < T; t++) {
        const at = ((b * T + t) * H + h) * D;
        const scores = Array.from({ length: t + 1 }, (_, s) => scale * inner(q.data, at, k.data, ofKey(s)));
        const most = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - most));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const p = weights.map((weight) => weight / total);
        for (const [s, weight] of p.entries()) addTo(result.y, at, weight, v.data, ofKey(s));
        const dP = p.map((_, s) => inner(dY.data, at, v.data, ofKey(s)));
        const mean = p.reduce((sum, weight, s) => sum + weight * (dP[s] ?? NaN), 0);
        for (const [s, weight] of p.entries()) {
          const dScore = scale * weight * ((dP[s] ?? NaN) - mean);
          addTo(result.dQ, at, dScore, k.data, ofKey(s));
          addTo(result.dK, ofKey(s), dScore, q.data, at);
          addTo(result.dV, ofKey(s), weight, dY.data, at);
        }
      }
    }
  }
  return result;
}

/** The log-probability of each row's target, and the entropy of each row, in nats, of logits `[N,V]`. */
export function scores64(logits: Tensor64, targets: Int32Array): { logProbs: Float64Array; entropies: Float64Array } {
  const [N = 0, V = 0] = logits.shape;
  const [logProbs, entropies] = [new Float64Array(N), new Float64Array(N)];
  for (let n = 0; n < N; n++) {
    const row = logits.data.subarray(n * V, (n + 1) * V);
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const logZ = most + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
    logProbs[n] = (row[targets[n] ?? 0] ?? NaN) - logZ;
    entropies[n] = -row.reduce((sum, logit) => sum + Math.exp(logit - logZ) * (logit - logZ), 0);
  }
  return { logProbs, entropies };
}
