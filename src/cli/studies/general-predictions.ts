/**
 * Predictions of the systems of `lab recipe general` that read similarities of meaning: the same code whether static
 * vectors have found them or an encoder.
 */
import { onScale } from '../../infer/lab-model.ts';
import { mapLabel } from '../../relevance/metrics/label-report.ts';
import { argMaxLabel, normalisedRelevance } from '../../relevance/pair/labels.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import { fitThresholds, labelOfScore } from '../../relevance/prompt/bm25.ts';
import { type PromptConfig, promptContent } from '../../relevance/prompt/prompt.ts';
import { alone } from '../../relevance/prompt/listed.ts';
import { GENERAL_SCALE } from '../../studies/judged/general-recipe.ts';
import type { GeneralPredictions, MeaningSystem } from '../../studies/judged/general-results.ts';
import type { MonotoneJudge } from '../../studies/judged/monotone-judge.ts';
import type { Prediction } from '../../relevance/metrics/compared-systems.ts';
import type { RealRecipe } from '../../studies/judged/real-data.ts';
import { predictionsOf } from '../../runs/compared-models.ts';
import { withModel } from './stages.ts';

/** Who is asked about which pairs. */
interface Asked {
  readonly set: RealRecipe;
  /** For the thresholds of the similarity alone. */
  readonly train: readonly JudgedPair[];
  readonly test: readonly JudgedPair[];
  readonly judge: MonotoneJudge;
  readonly prompt: PromptConfig;
  /** Of the model that learned from both sets. */
  readonly folder: string;
  /** Of that which learned from the other set alone. */
  readonly otherFolder: string | undefined;
  readonly signal: AbortSignal;
}

/** The predictions, each under the name of its system. */
export async function meaningPredictions(
  names: Readonly<Record<MeaningSystem, string>>,
  { set: { scaleSize }, train, test, judge, prompt, folder, otherFolder, signal }: Asked,
): Promise<GeneralPredictions> {
  /** Asks on one scale and maps labels to that of the set; scores are on [0, 1]. */
  const ask = (of: string, pairs: readonly JudgedPair[], asked: number): Promise<Prediction[]> =>
    withModel(of, (model) =>
      predictionsOf(
        onScale(model, asked),
        pairs,
        ({ label, probabilities }) => ({
          label: mapLabel(label, asked, scaleSize),
          score: normalisedRelevance(probabilities),
          confidence: probabilities[label] ?? 0,
        }),
        signal,
      ),
    );
  const likeness = ({ meaning }: JudgedPair): number => meaning?.title ?? 0;
  const bounds = fitThresholds(train.map(likeness), train.map(({ label }) => label), scaleSize); // prettier-ignore
  const found: GeneralPredictions = {
    [names.vectors]: test.map((pair) => {
      return { ...placeOf(pair), label: labelOfScore(likeness(pair), bounds), score: likeness(pair) };
    }),
    [names.judge]: test.map((pair) => {
      const probabilities = judge.judge(promptContent(pair, prompt), scaleSize);
      return { ...placeOf(pair), label: argMaxLabel(probabilities), score: normalisedRelevance(probabilities) };
    }),
    [names.general]: await ask(folder, test, scaleSize),
  };
  if (scaleSize !== GENERAL_SCALE) found[names.four] = await ask(folder, test, GENERAL_SCALE);
  found[names.alone] = await ask(folder, test.map(alone), scaleSize);
  if (otherFolder !== undefined) found[names.otherSet] = await ask(otherFolder, test, GENERAL_SCALE);
  return found;
}

/** The part of a prediction that no system decides. */
function placeOf({ queryId, document, label }: JudgedPair): Pick<Prediction, 'queryId' | 'docId' | 'gold'> {
  return { queryId, docId: document.docId, gold: label };
}
