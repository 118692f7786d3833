/**
 * The pairs that a model has not learned from: of the rule world, or of its training file.
 */
import { LabError } from '../../common/errors.ts';
import { expertsOf, splitFile, withStandingOf } from '../../runs/file-data.ts';
import { toExpert } from '../../runs/sft-experiment.ts';
import type { ModelFacts } from '../../infer/lab-model.ts';
import type { ModelCard } from '../../infer/model-card.ts';
import { makeRuleWorld, type RuleWorld } from '../../relevance/world/rule-world.ts';
import type { ExpertPair } from '../../train/evaluate.ts';
import { readDataFiles, type ReadingOptions } from '../pair-files.ts';
import { note } from '../terminal.ts';

/** Which pairs to read. */
export interface HeldOut extends ReadingOptions {
  readonly split: 'dev' | 'test';
  readonly worldSeed: number;
  /** The file that the model was trained on; the rule world without it. */
  readonly data?: readonly string[];
}

/**
 * The held-out pairs of a model with the expert's completions.
 *
 * @throws {LabError} `bad-config` if the model was trained on something else
 */
export async function heldOutPairs(model: ModelFacts, options: HeldOut): Promise<ExpertPair[]> {
  return options.data === undefined ? worldPairs(model, options) : filePairs(model, options.data, options);
}

function worldPairs({ card }: ModelFacts, { worldSeed, split }: HeldOut): ExpertPair[] {
  if (card.data.split !== undefined) {
    throw new LabError('bad-config', {
      message: `${card.name} was trained on ${card.data.name}.`,
      fix: 'Name that file with --data, or use "lab score" for other files.',
    });
  }
  const world = makeRuleWorld({ seed: worldSeed });
  warnOfOtherWorld(world, card);
  return Array.from(world.pairs(split), toExpert);
}

/** The part of a file that the model has not seen. */
async function filePairs(model: ModelFacts, paths: readonly string[], options: HeldOut): Promise<ExpertPair[]> {
  const { card, prompt } = model;
  const { name, hash: sha256, split: parts, grades: learned = '' } = card.data;
  if (parts === undefined) {
    throw new LabError('bad-config', {
      message: `${card.name} was not trained on a file, so no part of ${paths.join(', ')} was held out.`,
      fix: 'Measure it on the whole file with "lab score".',
    });
  }
  // By default as in training.
  const grades = options.grade ?? learned;
  const dataSet = await readDataFiles(paths, { ...options, grade: grades, scale: prompt.scaleSize });
  const { devShare, testShare, seed: splitSeed } = parts;
  const data = { kind: 'file', name, sha256, devShare, testShare, splitSeed, grades, labels: '' } as const;
  const pairs = splitFile(data, prompt.scaleSize, dataSet)[options.split];
  if (pairs.length === 0) {
    throw new LabError('bad-config', {
      message: `The model was trained without a ${options.split} split.`,
      fix: 'Train again with a higher --test-share, or measure with --split dev.',
    });
  }
  return [...expertsOf(model, withStandingOf(dataSet, pairs, prompt, model.vectors)).experts];
}

// A model judged by rules that it did not learn is measured, with a warning.
function warnOfOtherWorld(world: RuleWorld, card: ModelCard): void {
  if (card.data.hash !== '' && card.data.hash !== world.versionHash) {
    note(
      `Note: the model was trained on world ${card.data.hash}, this is ${world.versionHash} (other size, seed or rules).`,
    );
  }
}
