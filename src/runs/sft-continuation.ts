/**
 * The settings of a run that continues a model on judged pairs, for the command line and for the page: its prompts and
 * its scale are the model's, and what the model has learned before is repeated where that is at hand.
 */
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { describeGrades, foundScale, GradeReader } from '../data/files/grades.ts';
import { badFile } from '../data/files/records.ts';
import type { ModelCard } from '../infer/model-card.ts';
import { type ExperimentData, type SftExperiment, SftExperimentSchema } from '../protocol/sft-experiment.ts';
import { mapLabel } from '../relevance/metrics/label-report.ts';
import { scaleOfSize } from '../relevance/pair/labels.ts';
import { makeRuleWorld } from '../relevance/world/rule-world.ts';
import { scalesOfStart, type WeighedStart } from './sft-start.ts';

/** Settings that were asked for, by their groups; the rest has defaults for continuing a model. */
export interface AskedContinuation {
  readonly name?: unknown;
  readonly data?: object | undefined;
  readonly prompt?: object | undefined;
  readonly sft?: object | undefined;
}

/** What such a run repeats. */
export interface Replay {
  readonly share: number;
  readonly data: ExperimentData;
}

/** The share of training pairs that repeat what a model has learned before, unless another is asked for. */
export const REPLAY_SHARE = 0.25;
/** The share of queries that are held out, on which the model is compared with its start; none are needed besides. */
export const HELD_OUT_SHARE = 0.2;

/**
 * The settings of a run that continues a model on a data set.
 *
 * @param place - what the settings are of, for messages
 * @param asked - settings that go before the defaults
 * @throws {LabError} `bad-config`; `bad-file` if the grades are on no scale that the lab knows
 */
export function continuationOf(
  place: string,
  asked: AskedContinuation,
  start: WeighedStart,
  dataSet: DataSet,
  replay: Replay | undefined,
): SftExperiment {
  const { grades: meanings = '' } = (asked.data ?? {}) as { readonly grades?: string };
  const { scaleSize, grades } = gradesFor(dataSet, meanings, start);
  const reader = new GradeReader(scaleOfSize(scaleSize), grades);
  const judged = dataSet.pairs.filter(({ grade }) => reader.read(grade) !== undefined).length;
  const { devShare = HELD_OUT_SHARE, testShare = 0 } = (asked.data ?? {}) as Partial<Record<string, number>>;
  const own = Math.floor(judged * (1 - devShare - testShare));
  return parseConfig(place, SftExperimentSchema, {
    name: `${start.card.name}-continued`,
    ...asked,
    data: {
      kind: 'file',
      name: dataSet.name,
      sha256: dataSet.sha256,
      devShare,
      testShare,
      ...asked.data,
      grades,
    },
    prompt: { ...start.lab.prompt, ...asked.prompt, scaleSize },
    sft: { ...scheduleFor(own, replay?.share ?? 0), ...asked.sft },
    start: { name: start.card.name, hash: start.hash },
    ...(replay === undefined ? {} : { replay }),
  });
}

/** How often each pair is seen, and how fast is learned: gently, because a small model forgets (docs/log.md). */
const EPOCHS = 2;
const LEARNING_RATE = 1e-4;
const FEWEST_STEPS = 100;
const MOST_STEPS = 400;
const LARGEST_BATCH = 32;

/** A schedule for a number of training pairs. @param replayShare - of what else is learned, among all pairs */
function scheduleFor(pairs: number, replayShare: number): Partial<SftExperiment['sft']> {
  const all = pairs / (1 - replayShare);
  const batchSize = Math.max(1, Math.min(LARGEST_BATCH, 2 ** Math.floor(Math.log2(Math.max(1, pairs / 2)))));
  const steps = Math.min(MOST_STEPS, Math.max(FEWEST_STEPS, Math.ceil((EPOCHS * all) / batchSize)));
  const quarter = Math.ceil(steps / 4);
  return {
    steps,
    batchSize,
    learningRate: LEARNING_RATE,
    warmupSteps: Math.ceil(steps / 10),
    evaluateEvery: quarter,
    checkpointEvery: quarter,
    logEvery: Math.max(1, Math.round(steps / 50)),
  };
}

/**
 * The scale that a model is asked on for the grades of a file, and their meanings on it. Where the model does not know
 * the scale of the grades, each is the label of the same height on the model's own scale, as in scoring.
 */
function gradesFor(
  { name, pairs }: DataSet,
  meanings: string,
  start: WeighedStart,
): { readonly scaleSize: number; readonly grades: string } {
  const scales = scalesOfStart(start);
  const all = pairs.map(({ grade }) => grade);
  const found = foundScale(all, meanings);
  const { size } = found;
  if (size === undefined) {
    throw badFile(name, {
      problem: 'its grades are on no scale that the lab knows',
      expected: `labels from 0 to ${(scales[0] ?? 2) - 1}, or grades with a meaning`,
      got: describeGrades(found),
      fix: 'State what they mean.',
    });
  }
  if (scales.includes(size)) return { scaleSize: size, grades: meanings };
  const scaleSize = scales[0] ?? size;
  const reader = new GradeReader(scaleOfSize(size), meanings);
  const mapped = [...new Set(all)].flatMap((grade) => {
    const label = reader.read(grade);
    return label === undefined ? [] : [`"${grade.replaceAll('"', '""')}"=${mapLabel(label, size, scaleSize)}`];
  });
  return { scaleSize, grades: mapped.toSorted().join(',') };
}

/**
 * What a model learned, as its card says; undefined where that cannot be made again. A rule world can, unless this
 * version of the lab makes another; a file may be at hand or not. Of a model that continues another it is what was
 * repeated, because that would be forgotten otherwise.
 */
export function learnedBy({ data, training }: ModelCard): ExperimentData | undefined {
  const { name, hash, split, grades = '', replayed } = data;
  if (typeof replayed === 'object' && replayed !== null) return dataOf(replayed);
  if (split !== undefined && /^[0-9a-f]{64}$/u.test(hash)) {
    const { devShare, testShare, seed: splitSeed } = split;
    const kept = { devShare, testShare, splitSeed, grades };
    const read = { kind: 'file', name: name.replace(/^the file /u, ''), sha256: hash, ...kept };
    return dataOf(read);
  }
  const seed = /^rule world, seed (\d+)$/u.exec(name)?.[1];
  if (seed === undefined) return undefined;
  const queries = /--train-queries (\d+)/u.exec(training.command)?.[1];
  const world = {
    kind: 'world',
    seed: Number(seed),
    ...(queries === undefined ? {} : { trainQueries: Number(queries) }),
  };
  const read = dataOf(world);
  if (read?.kind !== 'world') return undefined;
  const { kind: _, ...settings } = read;
  return makeRuleWorld(settings).versionHash === hash ? read : undefined;
}

/** Data as settings have them; undefined where they are out of bounds. */
function dataOf(value: object): ExperimentData | undefined {
  try {
    return parseConfig('The data of a model', SftExperimentSchema, { data: value }).data;
  } catch (thrown) {
    if (thrown instanceof LabError) return undefined;
    throw thrown;
  }
}
