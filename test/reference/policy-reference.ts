/**
 * The losses of reinforcement learning in double precision, written from the formulas of the papers, sequence by
 * sequence and token by token, with nothing shared with the code they judge.
 */
import { LabError } from '../../src/common/errors.ts';
import { softmaxRow } from './softmax-reference.ts';
import { at } from './tensor64.ts';

/** A sampled sequence; every list has one entry per token. */
export interface ReferenceSequence {
  readonly logProbs: readonly number[];
  readonly oldLogProbs: readonly number[];
  readonly advantages: readonly number[];
  readonly isMasked: boolean;
}

/** Which loss, with its clip range [1 - low, 1 + high]. */
export interface ReferenceLoss {
  readonly kind: 'grpo' | 'dr_grpo' | 'dapo' | 'gspo';
  readonly low: number;
  readonly high: number;
  /** The longest possible sequence, in tokens. */
  readonly maxTokens: number;
}

/** The loss over whole sequences: minus the average of their surrogates, to be minimised. */
export function jointLossReference(loss: ReferenceLoss, sequences: readonly ReferenceSequence[]): number {
  const counted = sequences.filter(({ isMasked }) => !isMasked);
  return -average(
    loss.kind,
    counted.map((sequence) => surrogates(loss, sequence)),
    loss.maxTokens,
  );
}

/** `label` times the loss of first tokens plus `reasoning` times that of all others, each averaged by itself. */
export function separateLossReference(
  loss: ReferenceLoss,
  sequences: readonly ReferenceSequence[],
  label: number,
  reasoning: number,
): number {
  const counted = sequences.filter(({ isMasked }) => !isMasked).map((sequence) => surrogates(loss, sequence));
  const labels = counted.map((terms) => terms.slice(0, 1));
  const others = counted.map((terms) => terms.slice(1));
  return -label * average(loss.kind, labels, 1) - reasoning * average(loss.kind, others, loss.maxTokens - 1);
}

/** H(p) of the softmax of one row of logits. */
export function entropyReference(logits: ArrayLike<number>): number {
  let entropy = 0;
  for (const p of softmaxRow(logits)) entropy -= p === 0 ? 0 : p * Math.log(p);
  return entropy;
}

/** KL(p || q) of two distributions. */
export function klReference(p: ArrayLike<number>, q: ArrayLike<number>): number {
  let kl = 0;
  for (let i = 0; i < p.length; i++) kl += at(p, i) * Math.log(at(p, i) / at(q, i));
  return kl;
}

/** min(rho A, clip(rho) A) of each token. */
function surrogates(
  { kind, low, high }: ReferenceLoss,
  { logProbs, oldLogProbs, advantages }: ReferenceSequence,
): number[] {
  let sumOfLogs = 0;
  for (let t = 0; t < logProbs.length; t++) sumOfLogs += at(logProbs, t) - at(oldLogProbs, t);
  return advantages.map((advantage, t) => {
    const rho =
      kind === 'gspo' ? Math.exp(sumOfLogs / logProbs.length) : Math.exp(at(logProbs, t) - at(oldLogProbs, t));
    const clipped = rho < 1 - low ? 1 - low : rho > 1 + high ? 1 + high : rho;
    return Math.min(rho * advantage, clipped * advantage);
  });
}

function average(kind: ReferenceLoss['kind'], sequences: readonly (readonly number[])[], maxLength: number): number {
  const present = sequences.filter(({ length }) => length > 0);
  let result = 0;
  switch (kind) {
    case 'grpo':
    case 'gspo':
      for (const terms of present) {
        let mean = 0;
        for (const term of terms) mean += term / terms.length;
        result += mean / present.length;
      }
      return result;
    case 'dapo': {
      let tokens = 0;
      for (const terms of present) {
        for (const term of terms) result += term;
        tokens += terms.length;
      }
      return result / tokens;
    }
    case 'dr_grpo':
      for (const terms of present) for (const term of terms) result += term / (present.length * maxLength);
      return result;
    default:
      throw new LabError('internal', {
        message: `There is no reference for the loss ${String(kind satisfies never)}.`,
      });
  }
}
