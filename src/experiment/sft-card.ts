/**
 * The model card of a run that has come to its end.
 */
import { countParameters } from '../config/model-config.ts';
import type { OpenedBackend } from '../gpu/device.ts';
import type { ModelCard } from '../infer/model-card.ts';
import type { PreparedSft, SftExperiment } from './sft-experiment.ts';
import type { FinishedSft } from './sft-run.ts';

/** What a card says about how a model is stored and where it was made. */
export interface CardFacts {
  /** How the weights are stored. */
  readonly dtype: string;
  readonly opened: Pick<OpenedBackend, 'backend' | 'device'>;
  /** As YYYY-MM-DD. */
  readonly date: string;
}

/** The card, without an evaluation: that is made from the stored model (`lab eval --write-card`). */
export function makeModelCard(
  experiment: SftExperiment,
  { world, model, examples }: PreparedSft,
  { tokens, curve }: FinishedSft,
  { dtype, opened, date }: CardFacts,
): ModelCard {
  return {
    schemaVersion: 1,
    name: experiment.name,
    description:
      'Judges a product document for a query on four labels: first the label, then a trace of the rules that decide it.',
    parameters: countParameters(model),
    dtype,
    data: { name: `rule world, seed ${world.config.seed}`, hash: world.versionHash, trainPairs: examples.length },
    training: {
      command: commandOf(experiment),
      seed: experiment.sft.seed,
      steps: experiment.sft.steps,
      tokens,
      device: `${opened.backend}, ${opened.device}`,
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
