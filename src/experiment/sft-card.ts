/**
 * The model card of a supervised run, come to its end or not.
 */
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import type { ModelCard } from '../infer/model-card.ts';
import type { SftExperiment } from '../protocol/sft-experiment.ts';
import type { RuleWorld } from '../relevance/rule-world.ts';

/** What a card says beyond the settings of the run. */
export interface CardFacts {
  readonly world: RuleWorld;
  readonly model: ModelConfig;
  readonly trainPairs: number;
  /** Updates made. */
  readonly steps: number;
  /** Real input tokens learned from. */
  readonly tokens: number;
  readonly curve: readonly ModelCard['curve'][number][];
  /** How the weights are stored. */
  readonly dtype: string;
  /** The backend and the device that the run was on. */
  readonly device: string;
  /** As YYYY-MM-DD. */
  readonly date: string;
}

/** The card, without an evaluation: that is made from the stored model (`lab eval --write-card`). */
export function makeModelCard(experiment: SftExperiment, facts: CardFacts): ModelCard {
  const { world, model, trainPairs, steps, tokens, curve, dtype, device, date } = facts;
  return {
    schemaVersion: 1,
    name: experiment.name,
    description:
      'Judges a product document for a query on four labels: first the label, then a trace of the rules that decide it.',
    parameters: countParameters(model),
    dtype,
    data: { name: `rule world, seed ${world.config.seed}`, hash: world.versionHash, trainPairs },
    training: {
      command: commandOf(experiment),
      seed: experiment.sft.seed,
      steps,
      tokens,
      device,
      date,
    },
    evaluation: null,
    curve: [...curve],
    limits: [
      'Trained on generated product pairs only: labels on other text are extrapolation.',
      ...(experiment.prompt.hints
        ? ['Reads hint tokens: computed word and number overlaps between query and fields.']
        : []),
    ],
  };
}

/** The command that makes a run again. */
function commandOf({ name, preset, world, prompt, sft }: SftExperiment): string {
  return [
    `npm run lab -- sft --name ${name} --preset ${preset} --steps ${sft.steps} --batch ${sft.batchSize}`,
    ...(sft.accumulation === 1 ? [] : [`--accumulation ${sft.accumulation}`]),
    `--lr ${sft.learningRate} --label-weight ${sft.labelWeight} --seed ${sft.seed} --world-seed ${world.seed}`,
    `--train-queries ${world.trainQueries}${prompt.hints ? '' : ' --no-hints'} --out runs/${name}`,
  ].join(' ');
}
