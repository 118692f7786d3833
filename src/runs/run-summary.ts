/**
 * The summary of a run from its checkpoint, or from the metadata of its file: settings by their path, and the curve of
 * measurements. The three kinds of runs have these in different forms; here they have one form, so that runs can be
 * listed and compared.
 */
import * as v from 'valibot';
import { parseConfig } from '../config/parse.ts';
import { sha256Portable } from '../checkpoint/sha256.ts';
import { type DistillExperiment, DistillExperimentSchema } from '../protocol/distill-experiment.ts';
import { type GrpoExperiment, parseGrpoExperiment } from '../protocol/grpo-experiment.ts';
import { PolicyMeasuresSchema } from '../protocol/policy-measures.ts';
import { parseSftExperiment, type SftExperiment } from '../protocol/sft-experiment.ts';
import {
  MAX_RUN_NAME_LENGTH,
  type RunDescription,
  type RunKind,
  type RunPoint,
  type RunSummary,
  type Setting,
} from '../protocol/tracked-run.ts';
import type { DistillCheckpoint } from './distill-checkpoint.ts';
import type { GrpoCheckpoint } from './grpo-checkpoint.ts';
import type { CurvePoint, SftCheckpoint } from './sft-checkpoint.ts';

/** What runs of a kind measure, by the names that their curves have. */
export const MEASURED: Readonly<Record<RunKind, readonly string[]>> = {
  sft: ['accuracy', 'expertLossNats', 'lossNats'],
  grpo: ['reward', 'reasoningEntropyNats', ...Object.keys(PolicyMeasuresSchema.entries.heldOut.entries)],
  distill: [...Object.keys(PolicyMeasuresSchema.entries.heldOut.entries), 'lossNats'],
};

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const measures = v.record(v.string(), v.nullable(v.number()));
const DistillTokensSchema = v.looseObject({ learned: count, expert: count });

const MetadataSchema = v.variant('format', [
  v.looseObject({
    format: v.literal('afrl-lab-sft'),
    step: count,
    dataHash: v.string(),
    experiment: v.unknown(),
    curve: v.array(
      v.looseObject({
        step: count,
        tokens: v.optional(count),
        lossNats: v.number(),
        devAccuracy: v.optional(v.number()),
        devLossNats: v.optional(v.number()),
      }),
    ),
  }),
  v.looseObject({
    format: v.literal('afrl-lab-grpo'),
    step: count,
    dataHash: v.string(),
    startHash: v.string(),
    experiment: v.unknown(),
    curve: v.array(
      v.strictObject({
        step: count,
        measures: v.strictObject({ probe: measures, heldOut: measures }),
        tokens: v.optional(count),
      }),
    ),
  }),
  v.looseObject({
    format: v.literal('afrl-lab-distill'),
    step: count,
    worldHash: v.string(),
    teacherHash: v.string(),
    experiment: v.unknown(),
    curve: v.array(
      v.looseObject({ step: count, tokens: v.optional(DistillTokensSchema), lossNats: v.number(), heldOut: measures }),
    ),
  }),
]);

/**
 * The summary of a run.
 *
 * @param place - the file, for errors
 * @param metadata - the entry `run` of a checkpoint's metadata
 * @throws {LabError} `bad-config` if it does not belong to a run of this program
 */
export function summariseRun(place: string, metadata: unknown): RunSummary {
  const run = parseConfig(place, MetadataSchema, metadata);
  switch (run.format) {
    case 'afrl-lab-sft':
      return summariseSft({ ...run, experiment: parseSftExperiment(place, run.experiment) });
    case 'afrl-lab-grpo':
      return summariseGrpo({ ...run, experiment: parseGrpoExperiment(place, run.experiment) });
    case 'afrl-lab-distill': {
      const experiment = parseConfig(place, DistillExperimentSchema, run.experiment);
      return summariseDistill({ ...run, experiment });
    }
    default:
      return run satisfies never;
  }
}

interface SftRunState {
  readonly step: number;
  readonly experiment: SftExperiment;
  readonly dataHash: string;
  readonly curve: readonly SftPoint[];
}
type SftPoint = Pick<CurvePoint, 'step' | 'lossNats' | 'devAccuracy' | 'devLossNats'> & Counted;
interface Counted {
  readonly tokens?: number | undefined;
}

export function summariseSft({ step, experiment, dataHash, curve }: SftRunState): RunSummary {
  const points = curve.map(({ step: at, tokens, lossNats, devAccuracy = null, devLossNats = null }) => {
    return pointOf(at, { accuracy: devAccuracy, expertLossNats: devLossNats, lossNats }, tokens);
  });
  return summary('sft', step, experiment, experiment.sft, { data: dataHash }, points);
}

interface GrpoRunState {
  readonly step: number;
  readonly experiment: GrpoExperiment;
  readonly dataHash: string;
  readonly startHash: string;
  readonly curve: readonly ({ readonly step: number; readonly measures: Measures<'probe' | 'heldOut'> } & Counted)[];
}
type Measures<Part extends string> = Readonly<Record<Part, MeasuresByName>>;
type MeasuresByName = Readonly<Record<string, number | null>>;

export function summariseGrpo({ step, experiment, dataHash, startHash, curve }: GrpoRunState): RunSummary {
  const points = curve.map(({ step: at, measures: { probe, heldOut }, tokens }) => {
    const { reward = null, reasoningEntropyNats = null } = probe;
    return pointOf(at, { reward, reasoningEntropyNats, ...heldOut }, tokens);
  });
  return summary('grpo', step, experiment, experiment.grpo, { data: dataHash, start: startHash }, points);
}

interface DistillRunState {
  readonly step: number;
  readonly experiment: DistillExperiment;
  readonly worldHash: string;
  readonly teacherHash: string;
  readonly curve: readonly DistillRunPoint[];
}
interface DistillRunPoint extends Measures<'heldOut'> {
  readonly step: number;
  readonly lossNats: number;
  readonly tokens?: { readonly learned: number; readonly expert: number } | undefined;
}

export function summariseDistill(run: DistillRunState): RunSummary {
  const { step, experiment, worldHash, teacherHash, curve } = run;
  const points = curve.map(({ step: at, tokens, lossNats, heldOut }) =>
    pointOf(at, { ...heldOut, lossNats }, tokens && tokens.learned + tokens.expert),
  );
  return summary('distill', step, experiment, experiment.distill, { data: worldHash, teacher: teacherHash }, points);
}

/** A run at a checkpoint, of one kind each. */
export function describeSft({ state: { step }, ...run }: SftCheckpoint): RunDescription {
  return { ...summariseSft({ ...run, step }), experiment: run.experiment };
}

export function describeGrpo({ state: { step }, ...run }: GrpoCheckpoint): RunDescription {
  return { ...summariseGrpo({ ...run, step }), experiment: run.experiment };
}

export function describeDistill({ state: { step }, ...run }: DistillCheckpoint): RunDescription {
  return { ...summariseDistill({ ...run, step }), experiment: run.experiment };
}

function summary(
  kind: RunKind,
  step: number,
  experiment: { readonly name: string },
  { seed, steps }: { readonly seed: number; readonly steps: number },
  hashes: Readonly<Record<string, string>>,
  curve: RunPoint[],
): RunSummary {
  const { name, ...settings } = experiment;
  const paths = Object.entries({ ...flatten(settings), ...hashes }).filter(([path]) => path !== `${kind}.seed`);
  return {
    kind,
    name: name.slice(0, MAX_RUN_NAME_LENGTH),
    seed,
    step,
    steps,
    settings: Object.fromEntries(paths),
    curve,
  };
}

/** A measurement; nothing was measured where there is no number, which JSON could not hold either. */
function pointOf(step: number, measured: MeasuresByName, tokens: number | undefined): RunPoint {
  const entries = Object.entries(measured).map(([name, value]) => [name, Number.isFinite(value) ? value : null]);
  const counted = tokens === undefined ? {} : { tokens };
  return { step, measures: Object.fromEntries(entries) as RunPoint['measures'], ...counted };
}

/** Longer settings are represented by a hash. */
const LONGEST_SETTING = 80;

/** Nested settings by their path; lists and large groups are one setting. */
function flatten(group: object, before = ''): Record<string, Setting> {
  const flat: Record<string, Setting> = {};
  for (const [key, value] of Object.entries(group) as [string, unknown][]) {
    const path = `${before}${key}`;
    if (value === undefined) continue;
    if (typeof value === 'string' && /^[0-9a-f]{64}$/u.test(value)) flat[path] = value.slice(0, 12);
    else if (typeof value === 'number' && !Number.isFinite(value)) flat[path] = String(value);
    else if (value === null || typeof value !== 'object') flat[path] = value as Setting;
    else if (Array.isArray(value) || key === 'rules') flat[path] = short(JSON.stringify(value));
    else Object.assign(flat, flatten(value, `${path}.`));
  }
  return flat;
}

function short(json: string): string {
  if (json.length <= LONGEST_SETTING) return json;
  return sha256Portable(new TextEncoder().encode(json)).slice(0, 12);
}
