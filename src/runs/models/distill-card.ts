/**
 * The model card of a student: its teacher, the method and the data.
 */
import { type DistillConfig, needsTeacherCompletions } from '../../config/distill-config.ts';
import { countParameters, type ModelConfig } from '../../config/model-config.ts';
import type { LabModel } from '../../infer/lab-model.ts';
import type { ModelCard } from '../../infer/model-card.ts';
import { type KeptQueries, mergeQueries } from '../../data/trained-queries.ts';
import type { DistillExperiment } from '../../protocol/distill-experiment.ts';
import type { DistillPoint } from '../distill-checkpoint.ts';
import type { FinishedDistill } from '../distill-run.ts';
import { dataOfFile } from './sft-card.ts';

/** Card entries besides the settings of the run. */
export interface StudentFacts {
  readonly teacher: { readonly model: Pick<LabModel, 'card'>; readonly hash: string };
  readonly student: ModelConfig;
  readonly prepared: {
    readonly dataHash: string;
    readonly examples: { readonly length: number };
    /** The training queries of a file, where known. */
    readonly queries?: KeptQueries | undefined;
  };
  /** With the updates made, where the run has ended before its last. */
  readonly finished: Pick<FinishedDistill, 'tokens' | 'curve'> & { readonly step?: number };
  /** The command that reproduces the student. */
  readonly command: string;
  readonly dtype: string;
  readonly device: string;
  /** As YYYY-MM-DD. */
  readonly date: string;
}

/** The card without an evaluation, which is made from the stored model (`lab eval --write-card`). */
export function makeStudentCard({ name, world, file, distill }: DistillExperiment, facts: StudentFacts): ModelCard {
  const { teacher, student, prepared, finished, command, dtype, device, date } = facts;
  const { card } = teacher.model;
  const { learned, expert, generated } = finished.tokens;
  const seen = prepared.queries === undefined ? card.data.queries : mergeQueries(card.data.queries, prepared.queries);
  return {
    schemaVersion: 1,
    name,
    description: card.description,
    parameters: countParameters(student),
    dtype,
    data: {
      ...(file === undefined ? { name: `rule world, seed ${world.seed}` } : dataOfFile(file)),
      hash: prepared.dataHash,
      trainPairs: prepared.examples.length,
      ...(file === undefined || seen === undefined ? {} : { queries: seen }),
    },
    training: {
      command,
      seed: distill.seed,
      steps: finished.step ?? distill.steps,
      tokens: learned + expert,
      device,
      date,
    },
    distillation: { teacher: card.name, teacherHash: teacher.hash, method: describeMethod(distill) },
    evaluation: null,
    curve: curveOfStudent(finished.curve),
    limits: [
      `Learned from ${card.name}` +
        (generated === 0 ? '.' : `, also on ${generated.toLocaleString('en')} tokens that it wrote itself.`),
      ...card.limits,
    ],
  };
}

/** A learning curve as cards and pages show it. */
export function curveOfStudent(points: readonly DistillPoint[]): ModelCard['curve'] {
  return points.map(({ step, tokens, lossNats, heldOut }) => ({
    step,
    tokens: tokens.learned + tokens.expert,
    lossNats,
    ...(heldOut.accuracy === null ? {} : { devAccuracy: heldOut.accuracy }),
    devLossNats: heldOut.expertLossNats,
  }));
}

/** The method as a clause. */
export function describeMethod({ method, expertWeight, decoding }: DistillConfig): string {
  const isHeld = decoding !== 'free' && needsTeacherCompletions(method);
  const held = isHeld ? `, held to ${decoding === 'grammar' ? 'the grammar' : 'their pairs'}` : '';
  const beside = expertWeight > 0 ? `, plus the expert's completions with weight ${expertWeight}` : '';
  return `${clauseOf(method)}${held}${beside}`;
}

function clauseOf(method: DistillConfig['method']): string {
  switch (method.kind) {
    case 'expert':
      return `the expert's ${method.segment === 'all' ? 'completions' : 'labels'}, without the teacher`;
    case 'hard-label':
      return "the teacher's labels";
    case 'trace':
      return `the teacher's completions with a strict reward of at least ${method.minReward}`;
    case 'label-kd':
      return `the teacher's label distribution at temperature ${method.temperature}`;
    case 'jsd': {
      const own = method.studentShare > 0 ? ` and on the student's own (share ${method.studentShare})` : '';
      return `JSD ${method.beta} from the teacher on the ${method.completions}'s completions${own}`;
    }
    default:
      return method satisfies never;
  }
}
