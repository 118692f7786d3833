/**
 * The losses of distillation in double precision, from their definitions, row by row.
 */
import { klReference } from './policy-reference.ts';
import { softmaxRow } from './softmax-reference.ts';
import { at } from './tensor64.ts';

/** `T^2 KL(softmax(teacher / T) || softmax(student / T))`. */
export function temperedKlReference(student: Float64Array, teacher: Float64Array, temperature: number): number {
  const soft = (logits: Float64Array): Float64Array => softmaxRow(logits.map((logit) => logit / temperature));
  return temperature ** 2 * klReference(soft(teacher), soft(student));
}

/** `beta KL(P_T || M) + (1 - beta) KL(P_S || M)`, `M = beta P_T + (1 - beta) P_S`; for 0 < beta < 1. */
export function jsdReference(student: Float64Array, teacher: Float64Array, beta: number): number {
  const [pS, pT] = [softmaxRow(student), softmaxRow(teacher)];
  const mixture = pS.map((p, i) => beta * at(pT, i) + (1 - beta) * p);
  return beta * klReference(pT, mixture) + (1 - beta) * klReference(pS, mixture);
}
