/**
 * A student as the reader chooses it: who teaches, by which method, and a few numbers.
 */
import * as v from 'valibot';
import type { CheckpointOverview } from '../../protocol/checkpoints.ts';
import type { DistillExperimentInput } from '../../protocol/distill-experiment.ts';
import { BRANCH_KIND, checkpointUrl } from '../../protocol/grpo.ts';
import type { NumberField } from '../parts/lab-number-fields.ts';
import { isSingleRun } from '../parts/run-kinds.ts';
import { BUNDLED_MODELS } from '../score/bundled-models.ts';
import type { RunSource } from './training-controller.ts';

type Method = NonNullable<NonNullable<DistillExperimentInput['distill']>['method']>;

/** The methods, as `lab distill --method` names them. */
export const STUDENT_METHODS = {
  jsd: {
    name: 'All its tokens (JSD)',
    help: 'The teacher\u2019s distribution at every token of the expert\u2019s completions.',
    method: { kind: 'jsd' },
  },
  'on-policy': {
    name: 'All its tokens, partly on own completions',
    help: 'The same; in the second half, every other step on completions that the student writes itself.',
    method: { kind: 'jsd', studentShare: 0.5 },
  },
  'label-kd': {
    name: 'Its label, softened',
    help: 'The teacher\u2019s distribution of the label at temperature 2; no reasons are learned.',
    method: { kind: 'label-kd' },
  },
  'hard-label': {
    name: 'Its label',
    help: 'The label that the teacher gives, as a token; no reasons are learned.',
    method: { kind: 'hard-label' },
  },
  trace: {
    name: 'Its completions',
    help: 'The teacher\u2019s label and reasoning, where they earn at least 0.75 of the strict reward.',
    method: { kind: 'trace' },
  },
  expert: {
    name: 'No teacher',
    help: 'The expert\u2019s completions, to compare with.',
    method: { kind: 'expert' },
  },
} as const satisfies Readonly<Record<string, { name: string; help: string; method: Method }>>;
export type StudentMethod = keyof typeof STUDENT_METHODS;

/** The numbers of a choice. */
export const STUDENT_NUMBERS = [
  { key: 'steps', label: 'Steps', help: 'Updates in all.', least: 1, most: 100_000 },
  { key: 'queries', label: 'Queries', help: 'To learn from, six pairs each.', least: 1, most: 20_000 },
  { key: 'batchSize', label: 'Batch', help: 'Pairs per step.', least: 1, most: 1024 },
  { key: 'learningRate', label: 'Learning rate', help: 'At its peak.', least: 1e-6, most: 1, isReal: true },
  { key: 'expertWeight', label: 'Expert beside it', help: 'Weight of the expert\u2019s loss.', least: 0, most: 10, isReal: true }, // prettier-ignore
  { key: 'seed', label: 'Seed', help: 'Of weights and order.', least: 0, most: 1_000_000 },
] as const satisfies readonly NumberField[];

export interface StudentChoice {
  /** A {@link Teacher.key}. */
  readonly teacher: string;
  readonly method: StudentMethod;
  readonly numbers: Readonly<Record<string, number>>;
}

/** A few minutes without a GPU. */
export const DEFAULT_STUDENT: StudentChoice = {
  teacher: 'default',
  method: 'jsd',
  numbers: { steps: 300, queries: 500, batchSize: 32, learningRate: 0.003, expertWeight: 0, seed: 1 },
};

/** Who can teach. */
export interface Teacher {
  /** The id of a bundled model, or the address of a checkpoint. */
  readonly key: string;
  readonly name: string;
}

/** Models that give reasons by the rules of the rule world: bundled ones, and checkpoints that learned there. */
export function teachersOf(overview: CheckpointOverview | undefined): Teacher[] {
  const bundled = BUNDLED_MODELS.filter(({ givesReasons }) => givesReasons !== false);
  const kept = (overview?.checkpoints ?? []).filter(
    ({ kind, configJson }) => isRun(kind) && learnedFromWorld(configJson),
  );
  return [
    ...bundled.map(({ id, name }) => ({ key: id, name })),
    ...kept.map(({ id, name }) => ({ key: checkpointUrl(id), name })),
  ];
}

/** The run to ask for. @param baseUrl - of the page */
export function studentSource({ teacher, method, numbers }: StudentChoice, baseUrl: string): RunSource {
  const { queries = 500, steps = 300, ...distill } = numbers;
  const bundled = BUNDLED_MODELS.find(({ id }) => id === teacher);
  const experiment: DistillExperimentInput = {
    name: 'student',
    queries,
    distill: {
      ...distill,
      steps,
      warmupSteps: Math.min(50, Math.ceil(steps / 10)),
      evaluateEvery: 50,
      checkpointEvery: 50,
      logEvery: 5,
      method: STUDENT_METHODS[method].method,
    },
  };
  const teacherUrl = bundled === undefined ? teacher : new URL(bundled.folder, baseUrl).href;
  return { kind: 'student', experiment, teacherUrl };
}

function isRun(kind: string): boolean {
  return isSingleRun(kind) || kind === BRANCH_KIND;
}

const DataSchema = v.object({ data: v.optional(v.object({ kind: v.string() }), { kind: 'world' }) });
const SettingsSchema = v.pipe(v.string(), v.parseJson(), DataSchema);

/** Runs on files name them in `data`; all others learn from a rule world. */
function learnedFromWorld(configJson: string): boolean {
  const read = v.safeParse(SettingsSchema, configJson);
  return read.success && read.output.data.kind === 'world';
}
