/**
 * Compares the answers of two copies of one model.
 */
import { generateAll } from '../../infer/generate.ts';
import type { LabModel } from '../../infer/lab-model.ts';
import { encodeFor } from '../../infer/score-pairs.ts';
import { scorePrompts, type LabelScore } from '../../infer/score.ts';
import { bytesOf, type Precision, type StoredWeights } from '../../model/stored-weights.ts';
import { agreementOf } from '../../relevance/metrics/agreement.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import { EOS } from '../../relevance/pair/vocabulary.ts';
import type { CopyAgreement } from './agreement-report.ts';

/** The answers of a model to pairs. */
export interface Answers {
  readonly scores: readonly LabelScore[];
  /** Greedy completions of the first pairs, as token ids. */
  readonly completions: readonly (readonly number[])[];
}

/** Asks a model. @param completions - the number of pairs whose reasoning is generated */
export async function answersOf(model: LabModel, pairs: readonly JudgedPair[], completions: number): Promise<Answers> {
  const { transformer, tokenizer, prompt } = model;
  const prompts = pairs.map((pair) => encodeFor(model, pair).ids);
  const scores = await scorePrompts(transformer, tokenizer.labelIds(prompt.scaleSize), prompts);
  const written = await generateAll(transformer, prompts.slice(0, completions), {
    eosId: tokenizer.idOf(EOS),
  });
  return { scores, completions: written.map(({ ids }) => ids) };
}

/** The agreement of a copy with its original. */
export function compareCopies(
  pairs: readonly JudgedPair[],
  original: Answers,
  copy: Answers,
  kept: { readonly precision: Precision; readonly stored: StoredWeights },
): CopyAgreement {
  const twice = pairs.flatMap(({ queryId, label: gold }, i) => {
    const [first, second] = [original.scores[i], copy.scores[i]];
    return first === undefined || second === undefined ? [] : [{ queryId, gold, original: first, copy: second }];
  });
  const same = original.completions.filter((ids, i) => ids.join() === copy.completions[i]?.join()).length;
  const completions = original.completions.length;
  return {
    precision: kept.precision,
    sizeBytes: bytesOf(kept.stored, kept.precision),
    ...agreementOf(twice),
    completions,
    sameCompletion: completions === 0 ? null : same / completions,
  };
}
