/**
 * The action of `lab eval`.
 */
import type { DecodingKind } from '../../config/decoding.ts';
import { LabError } from '../../common/errors.ts';
import type { Measure, ModelCard } from '../../infer/model-card.ts';
import { type Evaluation, evaluate, type ExpertPair } from '../../train/evaluate.ts';
import { measureFaithfulness } from '../../train/faithfulness.ts';
import { Rng } from '../../common/rng.ts';
import { type LabModel, loadLabModel, readLabModel } from '../../infer/lab-model.ts';
import { describeQueries } from '../../relevance/metrics/label-report.ts';
import { describeMemory } from '../../model/memory.ts';
import type { Precision } from '../../model/stored-weights.ts';
import { readModelFiles, writeCard } from '../model-folder.ts';
import { openNodeBackend } from '../node-backend.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { type HeldOut, heldOutPairs } from './held-out-pairs.ts';
import { note, print } from '../terminal.ts';

interface EvalOptions extends HeldOut {
  readonly model: string;
  readonly precision?: Precision;
  readonly backend: BackendChoice;
  readonly pairs?: number;
  readonly completions: number;
  readonly decoding: DecodingKind;
  readonly shuffled?: boolean;
  readonly faithfulness?: boolean;
  readonly writeCard?: boolean;
  readonly json?: boolean;
}

export async function runEval(options: EvalOptions): Promise<void> {
  const files = await readModelFiles(options.model);
  let expert = await heldOutPairs(readLabModel(files), options);
  if (options.shuffled === true) expert = withOtherDocuments(expert);
  const opened = await openNodeBackend(options.backend);
  const model = await loadLabModel(files, options.precision);
  note(`${model.card.name} on ${opened.backend}: ${opened.device}. Memory: ${describeMemory(model.transformer)}.`);
  if (options.faithfulness === true) {
    await reportFaithfulness(model, expert.slice(0, options.pairs), options);
    return;
  }
  const pairs = expert.slice(0, options.pairs);
  const queries = new Set(pairs.map(({ pair }) => pair.queryId)).size;
  note(`Measured on ${pairs.length} pairs of ${queries} held-out queries, ${options.split} split.`);
  const evaluation = await evaluate(model, pairs, {
    // A model without rules writes no reasoning to measure.
    completions: options.shuffled === true || model.instruction.rules.length === 0 ? 0 : options.completions,
    decoding: options.decoding,
  });
  if (options.json === true) print(JSON.stringify(evaluation));
  else {
    for (const { name, value, low, high } of measuresOf(evaluation)) print(formatMeasure(name, value, low, high));
    for (const line of describeQueries(evaluation.ranking.queries)) print(line);
  }

  if (options.writeCard === true) {
    if (options.shuffled === true) {
      throw new LabError('bad-config', { message: 'A card has no measures of shuffled documents.' });
    }
    await writeCard(options.model, withEvaluation(model.card, evaluation, options));
    note(`Wrote the measures to the card of ${options.model}.`);
  }
}

/** @throws {LabError} `bad-config` if the model has no rules, or for options that contradict --faithfulness */
async function reportFaithfulness(
  model: LabModel,
  expert: readonly ExpertPair[],
  { data, shuffled, writeCard: isForCard, decoding, json }: EvalOptions,
): Promise<void> {
  if (data !== undefined || shuffled === true || isForCard === true) {
    throw new LabError('bad-config', {
      message: '--faithfulness is measured on pairs of the rule world as they are, and does not go into cards.',
      fix: 'Leave out --data, --shuffled and --write-card.',
    });
  }
  const report = await measureFaithfulness(model, expert, { decoding });
  if (json === true) {
    print(JSON.stringify(report));
    return;
  }
  const { completions, usable } = report;
  print(`${usable} of ${completions} answers are correct and cite words of the document.`);
  for (const [what, deletions] of [
    ['the cited words deleted', report.cited],
    ['as many other words deleted', report.control],
  ] as const) {
    print(`With ${what} (${deletions.pairs} pairs):`);
    const { shouldMove, movedAsRuled, moved, shouldStay, stayed } = deletions;
    print(formatMeasure(`  ${shouldMove} should change, and did as ruled`, movedAsRuled));
    print(formatMeasure(`  ${shouldMove} should change, and did`, moved));
    print(formatMeasure(`  ${shouldStay} should stay, and did`, stayed));
  }
}

/** The measures of an evaluation in the order of a card. */
function measuresOf({ labels, ranking, labelMass, expertLossNats, reasoning }: Evaluation): Measure[] {
  const measures: Measure[] = [
    { name: 'label accuracy', ...labels.accuracy },
    { name: 'majority accuracy', ...labels.majorityAccuracy },
    { name: 'macro-F1', ...labels.macroF1 },
    { name: 'quadratic weighted kappa', ...labels.quadraticWeightedKappa },
    { name: 'pair accuracy', ...ranking.pairAccuracy },
    { name: 'NDCG@10', ...ranking.ndcg10 },
    { name: 'expected calibration error', ...labels.expectedCalibrationError },
    { name: 'label entropy (nats)', ...labels.labelEntropyNats },
    { name: 'probability on label tokens', value: labelMass },
    { name: 'expert trace loss (nats/token)', value: expertLossNats },
  ];
  if (reasoning === null) return measures;
  return [
    ...measures,
    { name: 'label accuracy, head rules', value: reasoning.headLabelAccuracy },
    { name: 'label accuracy, tail rules', value: reasoning.tailLabelAccuracy },
    { name: 'valid traces', value: reasoning.validTraces },
    { name: 'verified steps', value: reasoning.verifiedSteps },
    { name: 'strict reward', value: reasoning.strictReward },
    { name: 'rule recall', value: reasoning.rules.all.recall },
    { name: 'rule recall, head', value: reasoning.rules.head.recall },
    { name: 'rule recall, tail', value: reasoning.rules.tail.recall },
    { name: 'rule precision', value: reasoning.rules.all.precision },
    { name: 'label and trace agree', value: reasoning.labelTraceAgreement },
    { name: 'distinct rules cited', value: reasoning.distinctRules },
    { name: 'tokens per completion', value: reasoning.tokensPerCompletion },
    { name: 'passes per completion', value: reasoning.passesPerCompletion },
  ];
}

function formatMeasure(name: string, value: number | null, low?: number, high?: number): string {
  const interval = low === undefined || high === undefined ? '' : `   (95 %: ${low.toFixed(3)} to ${high.toFixed(3)})`;
  return `${name.padEnd(40)}${value === null ? 'nothing to measure' : value.toFixed(3)}${interval}`;
}

function withEvaluation(card: ModelCard, evaluation: Evaluation, options: EvalOptions): ModelCard {
  return {
    ...card,
    evaluation: {
      command:
        `npm run lab -- eval --model ${options.model} --split ${options.split} ` +
        (options.data === undefined
          ? `--world-seed ${options.worldSeed}`
          : options.data.map((path) => `--data ${JSON.stringify(path)}`).join(' ')) +
        (options.decoding === 'free' ? '' : ` --decoding ${options.decoding}`),
      split: options.split,
      pairs: evaluation.pairs,
      queries: evaluation.queries,
      completions: evaluation.reasoning?.completions ?? 0,
      measures: measuresOf(evaluation),
    },
  };
}

function withOtherDocuments(expert: readonly ExpertPair[]): ExpertPair[] {
  const documents = new Rng('shuffled documents').shuffle(expert.map(({ pair }) => pair.document));
  return expert.map(({ pair, trace }, i) => ({ pair: { ...pair, document: documents[i] ?? pair.document }, trace }));
}
