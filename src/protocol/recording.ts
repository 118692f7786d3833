/**
 * A recorded run as one file of compact JSON: which rule decides and which label comes out for each of some fixed
 * held-out pairs, measurement by measurement, with what the model earned and knew then. The command line writes it, the
 * page plays it. Every reader parses it with {@link parseRecording}, because files are untrusted.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { CollapseReportSchema, RuleInfoSchema, SampledGroupSchema } from './grpo.ts';
import { MAX_RECORDED_PAIRS, PolicyAnswersSchema, RecordedPairSchema } from './policy-answers.ts';
import { PolicyMeasuresSchema } from './policy-measures.ts';

export const RECORDING_FORMAT = 'afrl-lab-recording';
const SCHEMA_VERSION = 1;
const MAX_FRAMES = 2000;
/** A recording of the longest run is far smaller. */
export const MAX_RECORDING_BYTES = 64 * 1024 * 1024;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const name = v.pipe(v.string(), v.nonEmpty(), v.maxLength(200));
const text = v.pipe(v.string(), v.maxLength(2000));

const FrameSchema = v.strictObject({
  step: count,
  /** The weight of the expert loss at that step: lambda or mu; null where the balance has none. */
  coefficient: v.nullable(v.number()),
  measures: PolicyMeasuresSchema,
  collapse: CollapseReportSchema,
  answers: PolicyAnswersSchema,
});
export type RecordedFrame = v.InferOutput<typeof FrameSchema>;

const GroupsSchema = v.strictObject({ step: count, groups: v.array(SampledGroupSchema) });
export type RecordedGroups = v.InferOutput<typeof GroupsSchema>;

const RecordingSchema = v.strictObject({
  format: v.literal(RECORDING_FORMAT),
  schemaVersion: v.literal(SCHEMA_VERSION),
  name,
  /** The settings of the run, by which the command line makes it again. */
  experiment: v.unknown(),
  seed: v.number(),
  model: v.strictObject({ name, hash: name, parameters: count }),
  dataHash: name,
  /** Where it was computed, and by which version of the lab. */
  device: text,
  commit: text,
  date: text,
  labelNames: v.pipe(v.array(name), v.minLength(2), v.maxLength(32)),
  rules: v.pipe(v.array(RuleInfoSchema), v.maxLength(256)),
  pairs: v.pipe(v.array(RecordedPairSchema), v.minLength(1), v.maxLength(MAX_RECORDED_PAIRS)),
  frames: v.pipe(v.array(FrameSchema), v.minLength(1), v.maxLength(MAX_FRAMES)),
  groups: v.pipe(v.array(GroupsSchema), v.maxLength(MAX_FRAMES)),
});
export type Recording = v.InferOutput<typeof RecordingSchema>;

/** What a recording says besides its frames and groups. */
export type RecordingHeader = Omit<Recording, 'format' | 'schemaVersion' | 'frames' | 'groups'>;

/** The file of a recording. */
export function writeRecording(
  header: RecordingHeader,
  frames: readonly RecordedFrame[],
  groups: readonly RecordedGroups[],
): string {
  const measured = JSON.parse(JSON.stringify({ frames, groups }, shortened)) as object;
  return `${JSON.stringify({ format: RECORDING_FORMAT, schemaVersion: SCHEMA_VERSION, ...header, ...measured })}\n`;
}

/**
 * Reads a recording.
 *
 * @param place - the name of the file, for messages
 * @throws {LabError} `bad-file` if it is too large, no JSON, or contradicts itself; `bad-config` naming what is not as
 *   in the schema
 */
export function parseRecording(place: string, contents: string): Recording {
  if (contents.length > MAX_RECORDING_BYTES) {
    throw notOne(place, `at most ${MAX_RECORDING_BYTES} bytes`, `${contents.length}`);
  }
  let data: unknown;
  try {
    data = JSON.parse(contents);
  } catch (cause) {
    throw notOne(place, 'JSON', 'other text', cause);
  }
  const format = typeof data === 'object' && data !== null && 'format' in data ? data.format : undefined;
  if (format !== RECORDING_FORMAT) throw notOne(place, `the format "${RECORDING_FORMAT}"`, 'another kind of file');
  const recording = parseConfig(place, RecordingSchema, data);
  checkIndices(place, recording);
  return recording;
}

/** Every index is within its list. */
function checkIndices(place: string, { pairs, rules, labelNames, frames, groups }: Recording): void {
  const wrong = (where: string, expected: string, got: unknown): LabError =>
    new LabError('bad-file', { message: `${place}: ${where} cannot be.`, expected, got: String(got) });
  const within = (where: string, values: readonly number[], limit: number): void => {
    const bad = values.find((value) => value >= limit);
    if (bad !== undefined) throw wrong(where, `a number below ${limit}`, bad);
  };
  const labels = labelNames.length;
  within('the gold label of a pair', pairs.map(({ label }) => label), labels); // prettier-ignore
  within('the gold rule of a pair', pairs.map(({ rule }) => rule), rules.length); // prettier-ignore
  within('the label of a rule', rules.map(({ cap }) => cap), labels); // prettier-ignore
  let last = -1;
  for (const { step, answers } of frames) {
    if (step <= last) throw wrong('the order of measurements', `a step after ${last}`, step);
    last = step;
    for (const list of [answers.rules, answers.labels, answers.sure]) {
      if (list.length !== pairs.length) {
        throw wrong(`the answers at step ${step}`, `${pairs.length} of them`, list.length);
      }
    }
    within(`a cited rule at step ${step}`, answers.rules, rules.length);
    within(`a label at step ${step}`, answers.labels, labels);
    within(`a completion at step ${step}`, answers.completions.map(({ pair }) => pair), pairs.length); // prettier-ignore
  }
  for (const { step, groups: each } of groups) {
    for (const { completions } of each) {
      for (const { tokens, advantages, ratios } of completions) {
        if (tokens.length === advantages.length && tokens.length === ratios.length) continue;
        throw wrong(`a completion of step ${step}`, `${tokens.length} advantages and ratios`, advantages.length);
      }
    }
  }
}

function notOne(place: string, expected: string, got: string, cause?: unknown): LabError {
  return new LabError('bad-file', {
    message: `${place} is no recorded run.`,
    expected,
    got,
    fix: 'Open a file that "lab grpo --record" or the page has written.',
    cause,
  });
}

/** Four decimals, because more carry no information and do not compress. */
function shortened(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value;
  return Math.round(value * 1e4) / 1e4;
}
