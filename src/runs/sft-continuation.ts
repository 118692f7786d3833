/**
 * The settings of a run that continues a model on judged pairs, for the command line and for the page: its prompts and
 * its scale are the model's, and what the model has learned before is repeated where that is at hand.
 */
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { describeGrades, foundScale, GradeReader } from '../data/files/grades.ts';
import { badFile } from '../data/files/records.ts';
import { type FileData, type SftExperiment, SftExperimentSchema, type WorldData } from '../protocol/sft-experiment.ts';
import { mapLabel } from '../relevance/metrics/label-report.ts';
import { scaleOfSize } from '../relevance/pair/labels.ts';
import { makeRuleWorld } from '../relevance/world/rule-world.ts';
import { splitFile } from './file-data.ts';
import { scalesOfStart, type SftStart, type WeighedStart } from './sft-start.ts';

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
  readonly data: WorldData;
}

/** The share of training pairs that repeat what a model has learned before, unless another is asked for. */
export const REPLAY_SHARE = 0.25;
/** The share of queries that are held out, on which the model is compared with its start; none are needed besides. */
const HELD_OUT_SHARE = 0.2;

/**
 * The settings of a run that continues a model on a data set.
 *
 * @param place - what the settings are of, for messages
 * @param asked - settings that go before the defaults
 * @throws {LabError} `bad-config`; `bad-file` if the grades are on no scale that the lab knows, or as `splitFile`
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
  const data = continuedData(place, { ...asked.data, grades }, dataSet);
  // Counted in the split itself, because queries are held out whole, however many pairs they have.
  const own = splitFile(data, scaleSize, dataSet).train.length;
  const { steps } = (asked.sft ?? {}) as { readonly steps?: unknown };
  return parseConfig(place, SftExperimentSchema, {
    name: `${start.card.name}-continued`,
    ...asked,
    data,
    prompt: { ...start.lab.prompt, ...asked.prompt, scaleSize },
    sft: { ...scheduleFor(own, replay?.share ?? 0, steps), ...asked.sft },
    start: { name: start.card.name, hash: start.hash },
    replay,
  });
}

/** A data set as settings of a run that continues a model. @param asked - settings that go before the defaults */
export function continuedData(place: string, asked: object, { name, sha256 }: DataSet): FileData {
  const defaults = { kind: 'file', name, sha256, devShare: HELD_OUT_SHARE, testShare: 0 };
  const { data } = parseConfig(place, SftExperimentSchema, { data: { ...defaults, ...asked } });
  if (data.kind === 'file') return data;
  throw new LabError('bad-config', { message: 'A model is continued on a file.' });
}

/** How often each pair is seen, and how fast is learned: gently, because a small model forgets (docs/log.md). */
const EPOCHS = 2;
const LEARNING_RATE = 1e-4;
const FEWEST_STEPS = 100;
const MOST_STEPS = 400;
const LARGEST_BATCH = 32;

/**
 * A schedule for a number of training pairs.
 *
 * @param replayShare - of what else is learned, among all pairs
 * @param asked - steps that were asked for, to which the rest of the schedule is fitted
 */
function scheduleFor(pairs: number, replayShare: number, asked: unknown): Partial<SftExperiment['sft']> {
  const all = pairs / (1 - replayShare);
  const batchSize = Math.max(1, Math.min(LARGEST_BATCH, 2 ** Math.floor(Math.log2(Math.max(1, pairs / 2)))));
  const fitting = Math.min(MOST_STEPS, Math.max(FEWEST_STEPS, Math.ceil((EPOCHS * all) / batchSize)));
  const steps = typeof asked === 'number' && asked >= 1 ? asked : fitting;
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
 * The rule world that a model learned from, as its card says: the one thing that a continuation repeats, because it can
 * be made again and its labels are the model's own. Of a model that continues another it is what was repeated, because
 * that would be forgotten otherwise. A file is not repeated: its grades may be on another scale, and it may be an
 * earlier version of the file learned from, whose grades would contradict the corrections.
 *
 * @returns undefined for a file, a world that this version does not make, or one on another scale than the model's
 */
export function learnedBy({ card, lab }: Pick<SftStart, 'card' | 'lab'>): WorldData | undefined {
  const { name, hash, replayed } = card.data;
  if (typeof replayed === 'object' && replayed !== null) return worldOf(replayed, lab);
  const seed = /^rule world, seed (\d+)$/u.exec(name)?.[1];
  if (seed === undefined) return undefined;
  const queries = /--train-queries (\d+)/u.exec(card.training.command)?.[1];
  const trained = queries === undefined ? {} : { trainQueries: Number(queries) };
  return worldOf({ kind: 'world', seed: Number(seed), ...trained }, lab, hash);
}

/** A world as settings have it; undefined where they are of something else. @param hash - that it must have, if any */
function worldOf(value: object, { prompt }: SftStart['lab'], hash?: string): WorldData | undefined {
  try {
    const { data } = parseConfig('The data of a model', SftExperimentSchema, { data: value });
    if (data.kind !== 'world') return undefined;
    const { kind: _, ...settings } = data;
    const { versionHash, instruction } = makeRuleWorld(settings);
    return instruction.scaleSize === prompt.scaleSize && (hash ?? versionHash) === versionHash ? data : undefined;
  } catch (thrown) {
    if (thrown instanceof LabError) return undefined;
    throw thrown;
  }
}
