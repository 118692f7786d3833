/**
 * Principal components of many vectors, by Jacobi's rotations of their covariance matrix.
 */

/** Sweeps after which a matrix of any size here is diagonal to double precision. */
const MOST_SWEEPS = 30;
const OFF_DIAGONAL = 1e-18;

/**
 * The coordinates of vectors along their principal components, centred, the largest variance first.
 *
 * @param rows - N*C numbers
 * @param keep - D, at most C
 * @returns N*D numbers
 */
export function principalComponents(rows: Float32Array, C: number, keep: number): Float32Array {
  const N = rows.length / C;
  const mean = new Float64Array(C);
  for (let i = 0; i < rows.length; i++) mean[i % C] = (mean[i % C] ?? 0) + (rows[i] ?? 0) / N;
  const covariance = covarianceOf(rows, mean);
  const { values, vectors } = eigenOf(covariance, C);
  const order = [...values.keys()].toSorted((a, b) => (values[b] ?? 0) - (values[a] ?? 0)).slice(0, keep);
  const found = new Float32Array(N * keep);
  const row = new Float64Array(C);
  for (let n = 0; n < N; n++) {
    for (let c = 0; c < C; c++) row[c] = (rows[n * C + c] ?? 0) - (mean[c] ?? 0);
    for (const [d, component] of order.entries()) {
      let sum = 0;
      for (let c = 0; c < C; c++) sum += (row[c] ?? 0) * (vectors[component * C + c] ?? 0);
      found[n * keep + d] = sum;
    }
  }
  return found;
}

/** [C,C] */
function covarianceOf(rows: Float32Array, mean: Float64Array): Float64Array {
  const C = mean.length;
  const N = rows.length / C;
  const sum = new Float64Array(C * C);
  const row = new Float64Array(C);
  for (let n = 0; n < N; n++) {
    for (let c = 0; c < C; c++) row[c] = (rows[n * C + c] ?? 0) - (mean[c] ?? 0);
    for (let a = 0; a < C; a++) {
      const x = (row[a] ?? 0) / N;
      for (let b = a; b < C; b++) sum[a * C + b] = (sum[a * C + b] ?? 0) + x * (row[b] ?? 0);
    }
  }
  for (let a = 0; a < C; a++) for (let b = 0; b < a; b++) sum[a * C + b] = sum[b * C + a] ?? 0;
  return sum;
}

/**
 * The eigenvalues of a symmetric matrix, and its eigenvectors, row by row.
 *
 * @param matrix - [C,C], which is changed
 */
function eigenOf(matrix: Float64Array, C: number): { readonly values: number[]; readonly vectors: Float64Array } {
  const vectors = new Float64Array(C * C);
  for (let c = 0; c < C; c++) vectors[c * C + c] = 1;
  const at = (a: number, b: number): number => matrix[a * C + b] ?? 0;
  /** Turns rows a and b of a matrix. */
  const turnRows = (of: Float64Array, a: number, b: number, cos: number, sin: number): void => {
    for (let c = 0; c < C; c++) {
      const [x, y] = [of[a * C + c] ?? 0, of[b * C + c] ?? 0];
      of[a * C + c] = cos * x - sin * y;
      of[b * C + c] = sin * x + cos * y;
    }
  };
  const turnColumns = (a: number, b: number, cos: number, sin: number): void => {
    for (let c = 0; c < C; c++) {
      const [x, y] = [at(c, a), at(c, b)];
      matrix[c * C + a] = cos * x - sin * y;
      matrix[c * C + b] = sin * x + cos * y;
    }
  };
  let trace = 0;
  for (let c = 0; c < C; c++) trace += at(c, c);
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let off = 0;
    for (let a = 0; a < C; a++) {
      for (let b = a + 1; b < C; b++) {
        const size = at(a, b) ** 2;
        off += size;
        if (size <= (OFF_DIAGONAL * trace * trace) / (C * C)) continue;
        const theta = (at(b, b) - at(a, a)) / (2 * at(a, b));
        const tangent = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const cos = 1 / Math.hypot(tangent, 1);
        const sin = tangent * cos;
        turnRows(matrix, a, b, cos, sin);
        turnColumns(a, b, cos, sin);
        turnRows(vectors, a, b, cos, sin);
      }
    }
    if (off <= OFF_DIAGONAL * trace * trace) break;
  }
  return { values: Array.from({ length: C }, (_, c) => at(c, c)), vectors };
}
