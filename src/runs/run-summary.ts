/**
 * A summary of a run from the metadata of its checkpoint: settings by their path, and the curve of measurements. The
 * three kinds of runs store these in different forms; here they have one form, so that runs can be listed and compared.
 */
import * as v from 'valibot';
import { parseConfig } from '../config/parse.ts';
import { sha256Portable } from '../checkpoint/sha256.ts';
import { DistillExperimentSchema } from '../protocol/distill-experiment.ts';
import { parseGrpoExperiment } from '../protocol/grpo-experiment.ts';
import { parseSftExperiment } from '../protocol/sft-experiment.ts';

/** The kinds of runs, by the command that makes them. */
export const RUN_KINDS = ['sft', 'grpo', 'distill'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

/** The value of a setting. */
export type Setting = string | number | boolean | null;

/** Measurements after a step, by name; null where there was nothing to measure. */
export interface RunPoint {
  readonly step: number;
  readonly measures: Readonly<Record<string, number | null>>;
}

/** The summary of a run. */
export interface RunSummary {
  readonly kind: RunKind;
  readonly name: string;
  readonly seed: number;
  /** Steps made, and total steps. */
  readonly step: number;
  readonly steps: number;
  /** By path, such as `grpo.balance.lambda`; without name and seed. */
  readonly settings: Readonly<Record<string, Setting>>;
  readonly curve: readonly RunPoint[];
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const measures = v.record(v.string(), v.nullable(v.number()));

const MetadataSchema = v.variant('format', [
  v.looseObject({
    format: v.literal('afrl-lab-sft'),
    step: count,
    dataHash: v.string(),
    experiment: v.unknown(),
    curve: v.array(
      v.looseObject({
        step: count,
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
    curve: v.array(v.strictObject({ step: count, measures: v.strictObject({ probe: measures, heldOut: measures }) })),
  }),
  v.looseObject({
    format: v.literal('afrl-lab-distill'),
    step: count,
    worldHash: v.string(),
    teacherHash: v.string(),
    experiment: v.unknown(),
    curve: v.array(v.looseObject({ step: count, lossNats: v.number(), heldOut: measures })),
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
    case 'afrl-lab-sft': {
      const curve = run.curve.map(({ step, lossNats, devAccuracy = null, devLossNats = null }) => {
        return { step, measures: { accuracy: devAccuracy, expertLossNats: devLossNats, lossNats } };
      });
      const experiment = parseSftExperiment(place, run.experiment);
      return summary('sft', run.step, experiment, experiment.sft, { data: run.dataHash }, curve);
    }
    case 'afrl-lab-grpo': {
      const curve = run.curve.map(({ step, measures: { probe, heldOut } }) => {
        return { step, measures: { reward: probe['reward'] ?? null, ...heldOut } };
      });
      const experiment = parseGrpoExperiment(place, run.experiment);
      const hashes = { data: run.dataHash, start: run.startHash };
      return summary('grpo', run.step, experiment, experiment.grpo, hashes, curve);
    }
    case 'afrl-lab-distill': {
      const curve = run.curve.map(({ step, lossNats, heldOut }) => ({ step, measures: { ...heldOut, lossNats } }));
      const experiment = parseConfig(place, DistillExperimentSchema, run.experiment);
      const hashes = { data: run.worldHash, teacher: run.teacherHash };
      return summary('distill', run.step, experiment, experiment.distill, hashes, curve);
    }
    default:
      return run satisfies never;
  }
}

function summary(
  kind: RunKind,
  step: number,
  experiment: { readonly name: string },
  { seed, steps }: { readonly seed: number; readonly steps: number },
  hashes: Readonly<Record<string, string>>,
  curve: readonly RunPoint[],
): RunSummary {
  const { name, ...settings } = experiment;
  const paths = Object.entries({ ...flatten(settings), ...hashes }).filter(([path]) => path !== `${kind}.seed`);
  return { kind, name, seed, step, steps, settings: Object.fromEntries(paths), curve };
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
