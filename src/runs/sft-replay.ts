/**
 * What the start of a run has learned before, for the run to repeat: pairs of a rule world that can be made again, or of
 * a file that is still at hand. A model that learns from something else alone forgets.
 */
import { LabError } from '../common/errors.ts';
import { Rng } from '../common/rng.ts';
import type { DataSet } from '../data/files/data-set.ts';
import type { ExperimentData, FileData } from '../protocol/sft-experiment.ts';
import { makeRuleWorld } from '../relevance/world/rule-world.ts';
import type { ExpertPair } from '../train/evaluate.ts';
import { expertsOf, splitFile, withStandingOf } from './file-data.ts';
import { rulesOfStart, type SftStart } from './sft-start.ts';

export interface ReplayOptions {
  /** How many pairs. */
  readonly count: number;
  readonly seed: number;
  /** Finds an imported data set. */
  readonly findData: ((data: FileData) => Promise<DataSet>) | undefined;
}

/**
 * Training pairs that a start has learned before, with the completions that it learned, on its own scale. Where there
 * are fewer than asked for they repeat.
 *
 * @throws {LabError} what `findData` and `splitFile` throw
 */
export async function replayedPairs(
  data: ExperimentData,
  start: SftStart,
  { count, seed, findData }: ReplayOptions,
): Promise<readonly ExpertPair[]> {
  const rng = new Rng(`replay ${seed}`);
  if (data.kind === 'world') return worldPairs(data, rng, count);
  if (findData === undefined) {
    throw new LabError('internal', { message: `The data set "${data.name}" cannot be found without findData.` });
  }
  const { prompt } = start.lab;
  const dataSet = await findData(data);
  const { train } = splitFile(data, prompt.scaleSize, dataSet);
  const rounds = Array.from({ length: Math.ceil(count / train.length) }, () => rng.shuffle(train));
  const drawn = withStandingOf(dataSet, rounds.flat().slice(0, count), prompt, start.vectors);
  return expertsOf(rulesOfStart(start, prompt.scaleSize), drawn).experts;
}

function worldPairs(data: Extract<ExperimentData, { kind: 'world' }>, rng: Rng, count: number): ExpertPair[] {
  const { kind: _, ...settings } = data;
  const world = makeRuleWorld(settings);
  const drawn: ExpertPair[] = [];
  while (drawn.length < count) {
    const pairs = world.queryPairs('train', rng.int(world.queryCount('train')));
    drawn.push(...pairs.map((pair) => ({ pair, trace: pair.goldTrace })));
  }
  return drawn.slice(0, count);
}
