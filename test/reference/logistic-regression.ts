/**
 * Multinomial logistic regression by full-batch gradient descent on standardised features: the weakest model that a
 * data set for relevance must not be easy for.
 */

/** A fitted model: predicts the most likely class of a feature vector. */
export interface LogisticRegression {
  predict(features: readonly number[]): number;
}

/** Fits to rows of features ([N, F]) and classes in [0, classes); momentum 0.9, light L2. Deterministic. */
export function fitLogisticRegression(
  rows: readonly (readonly number[])[],
  labels: readonly number[],
  classes: number,
  { steps = 300, learningRate = 0.5, l2 = 1e-4 } = {},
): LogisticRegression {
  const width = rows[0]?.length ?? 0;
  const columns = Array.from({ length: width }, (_, f) => rows.map((row) => row[f] ?? 0));
  const means = columns.map(mean);
  const deviations = columns.map((column, f) => Math.sqrt(mean(column.map((x) => (x - (means[f] ?? 0)) ** 2))) || 1);
  const standardise = (row: readonly number[]): number[] => [
    1,
    ...row.map((x, f) => (x - (means[f] ?? 0)) / (deviations[f] ?? 1)),
  ];

  const inputs = rows.map(standardise); // [N, F + 1]
  const weights = Array.from({ length: classes }, () => new Float64Array(width + 1)); // [R, F + 1]
  const velocity = weights.map((row) => new Float64Array(row.length));
  for (let step = 0; step < steps; step++) {
    const gradient = weights.map((row) => row.map((w) => l2 * w));
    for (const [n, input] of inputs.entries()) {
      for (const [k, p] of softmax(scores(weights, input)).entries()) {
        const error = (p - (labels[n] === k ? 1 : 0)) / inputs.length;
        const row = gradient[k];
        if (row !== undefined) for (const [f, x] of input.entries()) row[f] = (row[f] ?? 0) + error * x;
      }
    }
    for (const [k, row] of weights.entries()) {
      for (let f = 0; f < row.length; f++) {
        const moved = 0.9 * (velocity[k]?.[f] ?? 0) - learningRate * (gradient[k]?.[f] ?? 0);
        velocity[k]?.fill(moved, f, f + 1);
        row[f] = (row[f] ?? 0) + moved;
      }
    }
  }
  return {
    predict(features) {
      const values = scores(weights, standardise(features));
      return values.indexOf(Math.max(...values));
    },
  };
}

function scores(weights: readonly Float64Array[], input: readonly number[]): number[] {
  return weights.map((row) => input.reduce((sum, x, f) => sum + x * (row[f] ?? 0), 0));
}

function softmax(values: readonly number[]): number[] {
  const highest = Math.max(...values);
  const exponentials = values.map((value) => Math.exp(value - highest));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials.map((value) => value / total);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
