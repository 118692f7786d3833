/**
 * The runs of a sweep in the page: every combination of the typed values of settings with every seed, each with the
 * settings of one run besides.
 */
import type * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { fieldsAt, leafAt, describeAllowed, readSetting, typedSetting, withSetting } from '../config/setting-values.ts';
import { type SettingField, settingFields } from '../config/setting-fields.ts';
import { checkSweep, combinations, parseSeeds, parseSweptSetting, settingLabel } from '../config/swept-settings.ts';
import { DistillExperimentSchema } from '../protocol/distill-experiment.ts';
import { GrpoExperimentSchema } from '../protocol/grpo-experiment.ts';
import type { SettingPaths, SweepRequest } from '../protocol/runs.ts';
import { SftExperimentSchema } from '../protocol/sft-experiment.ts';
import { MAX_RUN_NAME_LENGTH, type RunDescription, type RunKind, type TrackedRun } from '../protocol/tracked-run.ts';
import { describeQueued, queuedRuns } from './queued-runs.ts';

const SCHEMAS = { sft: SftExperimentSchema, grpo: GrpoExperimentSchema, distill: DistillExperimentSchema } as const;
/** Settings that come with something else that is chosen, or that name the run. */
const FIXED: ReadonlySet<SettingField['kind']> = new Set(['given', 'text']);

/** The settings of a run that can be varied, with their values in it. */
export function sweepable({ kind, experiment }: TrackedRun): SettingPaths {
  const fields = fieldsOf(kind);
  const there = fields.filter((field) => field.path !== `${kind}.seed` && isThere(field, experiment));
  return there.map((field) => ({ path: field.path, label: field.label, takes: describeAllowed(field), value: valueAt(field, experiment) })); // prettier-ignore
}

/**
 * The runs in the order in which they will be made: all combinations of the first seed first.
 *
 * @param firstPlace - the place in the queue of the first run
 * @throws {LabError} `bad-config` naming the setting and what it takes
 */
export function sweepRuns(
  base: TrackedRun,
  { set, seeds, watch = null }: SweepRequest,
  firstPlace: number,
): TrackedRun[] {
  const swept = set.map(parseSweptSetting);
  const numbers = parseSeeds(seeds);
  checkSweep(swept, numbers);
  const fields = fieldsOf(base.kind);
  const start = isRecord(base.experiment) ? base.experiment : {};
  const runs = numbers.flatMap((seed) =>
    combinations(swept).map((values): RunDescription => {
      const changed = values.reduce((settings, [path, text]) => withText(settings, fields, path, text), start);
      const labels = values.map(([path, value]) => settingLabel(path, value));
      return {
        ...descriptionOf(base, withText(changed, fields, `${base.kind}.seed`, String(seed))),
        name: [base.name, ...labels].join(', ').slice(0, MAX_RUN_NAME_LENGTH),
        startUrl: base.startUrl,
      };
    }),
  );
  return queuedRuns(runs, firstPlace, watch);
}

/** A run with other settings, before its first step. */
function descriptionOf({ kind, settings }: TrackedRun, changed: Readonly<Record<string, unknown>>): RunDescription {
  const description = describeQueued('The settings of the sweep', kind, changed);
  // Hashes of data and start are known once the run has begun; until then those of the base are the best guess.
  const hashes = Object.entries(settings).filter(([path]) => HASHES.has(path));
  return { ...description, settings: { ...description.settings, ...Object.fromEntries(hashes) } };
}
const HASHES: ReadonlySet<string> = new Set(['data', 'start', 'teacher']);

function withText(
  settings: Readonly<Record<string, unknown>>,
  fields: readonly SettingField[],
  path: string,
  text: string,
): Record<string, unknown> {
  const found = fieldsAt(fields, path);
  for (const field of found) {
    const value = readSetting(field, text);
    if (value !== undefined) return withSetting(settings, fields, field, value);
  }
  throw new LabError('bad-config', {
    message: `The setting ${path} cannot be ${text}.`,
    expected: found.map(describeAllowed).join('; or '),
    got: text,
  });
}

function fieldsOf(kind: RunKind): SettingField[] {
  const schema: v.GenericSchema = SCHEMAS[kind];
  return settingFields(schema).filter((field) => !FIXED.has(field.kind));
}

/** Whether the variants of an experiment have a field. */
function isThere({ when }: SettingField, experiment: unknown): boolean {
  return when.every(({ path, value }) => {
    const actual = leafAt(experiment, path);
    return typeof value === 'boolean' ? (actual !== null && actual !== undefined && actual !== false) === value : actual === value; // prettier-ignore
  });
}

function valueAt({ path, kind }: SettingField, experiment: unknown): string {
  const value = leafAt(experiment, path);
  if (kind === 'toggle') return value === false || value === null || value === undefined ? 'no' : 'yes';
  const isPlain = value === null || typeof value === 'string' || typeof value === 'number' || Array.isArray(value);
  return isPlain ? typedSetting(value as Parameters<typeof typedSetting>[0]) : '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
