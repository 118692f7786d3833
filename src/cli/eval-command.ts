/**
 * `lab eval`: measures a model on a split of the rule world it was trained on.
 */
import { Command, Option } from 'commander';
import { LabError } from '../common/errors.ts';
import type { Measure, ModelCard } from '../infer/model-card.ts';
import { makeRuleWorld, type RuleWorld } from '../relevance/rule-world.ts';
import { type Evaluation, evaluate, type ExpertPair } from '../train/evaluate.ts';
import { Rng } from '../common/rng.ts';
import { toExpert } from '../experiment/sft-experiment.ts';
import { readModelFolder, writeCard } from './model-folder.ts';
import { type BackendName, openNodeBackend } from './node-backend.ts';
import { backendOption, modelOption, wholeNumber } from './options.ts';
import { note, print } from './terminal.ts';

interface EvalOptions {
  readonly model: string;
  readonly backend: BackendName;
  readonly split: 'dev' | 'test';
  readonly worldSeed: number;
  readonly pairs?: number;
  readonly completions: number;
  readonly shuffled?: boolean;
  readonly writeCard?: boolean;
  readonly json?: boolean;
}

export function evalCommand(): Command {
  return new Command('eval')
    .description('measure a model on held-out pairs of the rule world')
    .addOption(modelOption())
    .addOption(new Option('--split <name>', 'which held-out part').choices(['dev', 'test']).default('test'))
    .option('--world-seed <n>', 'seed of the rule world', wholeNumber(0), 1)
    .option('--pairs <n>', 'how many pairs (default: the whole split)', wholeNumber(1))
    .option('--completions <n>', 'how many of them to complete with reasoning', wholeNumber(0), 1000)
    .option('--shuffled', 'give each query the documents of another: labels should become unpredictable')
    .option('--write-card', "write the measures into the model's card")
    .option('--json', 'print one line of JSON')
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- eval
  npm run lab -- eval --model runs/first/model --split dev --completions 200 --json`,
    )
    .action(runEval);
}

async function runEval(options: EvalOptions): Promise<void> {
  const opened = await openNodeBackend(options.backend);
  const model = await readModelFolder(options.model);
  note(`${model.card.name} on ${opened.backend}: ${opened.device}.`);
  const world = makeRuleWorld({ seed: options.worldSeed });
  warnOfOtherWorld(world, model.card);

  let expert = Array.from(world.pairs(options.split), toExpert);
  if (options.shuffled === true) expert = withOtherDocuments(expert);
  const evaluation = await evaluate(model, expert.slice(0, options.pairs), {
    completions: options.shuffled === true ? 0 : options.completions,
  });
  if (options.json === true) print(JSON.stringify(evaluation));
  else for (const { name, value, low, high } of measuresOf(evaluation)) print(formatMeasure(name, value, low, high));

  if (options.writeCard === true) {
    if (options.shuffled === true) {
      throw new LabError('bad-config', { message: 'A card holds no measures of shuffled documents.' });
    }
    await writeCard(options.model, withEvaluation(model.card, evaluation, options));
    note(`Wrote the measures to the card of ${options.model}.`);
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
  ];
}

function formatMeasure(name: string, value: number | null, low?: number, high?: number): string {
  const interval = low === undefined || high === undefined ? '' : `   (95 %: ${low.toFixed(3)} to ${high.toFixed(3)})`;
  return `${name.padEnd(34)}${value === null ? 'nothing to measure' : value.toFixed(3)}${interval}`;
}

function withEvaluation(card: ModelCard, evaluation: Evaluation, options: EvalOptions): ModelCard {
  return {
    ...card,
    evaluation: {
      command: `npm run lab -- eval --model ${options.model} --split ${options.split} --world-seed ${options.worldSeed}`,
      split: options.split,
      pairs: evaluation.pairs,
      queries: evaluation.queries,
      completions: evaluation.reasoning?.completions ?? 0,
      measures: measuresOf(evaluation),
    },
  };
}

// A model judged by other rules than it learned is measured, but somebody should know.
function warnOfOtherWorld(world: RuleWorld, card: ModelCard): void {
  if (card.data.hash !== '' && card.data.hash !== world.versionHash) {
    note(
      `Note: the model was trained on world ${card.data.hash}, this is ${world.versionHash} (other size, seed or rules).`,
    );
  }
}

function withOtherDocuments(expert: readonly ExpertPair[]): ExpertPair[] {
  const documents = new Rng('shuffled documents').shuffle(expert.map(({ pair }) => pair.document));
  return expert.map(({ pair, trace }, i) => ({ pair: { ...pair, document: documents[i] ?? pair.document }, trace }));
}
