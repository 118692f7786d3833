/**
 * One distillation run from a teacher to a trained student, with its curve and its checkpoints. The caller chooses the
 * backend, observes the run and stores the checkpoints.
 */
import { LabError } from '../common/errors.ts';
import { Rng } from '../common/rng.ts';
import { type DistillConfig, needsTeacherLogits } from '../config/distill-config.ts';
import type { ModelConfig } from '../config/model-config.ts';
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import type { Transformer } from '../model/transformer.ts';
import { disposeWeights, initialWeights, loadWeights, readWeights, type TensorData } from '../model/weights.ts';
import type { DistillExperiment } from '../protocol/distill-experiment.ts';
import type { PolicyMeasures } from '../protocol/policy-measures.ts';
import { EOS } from '../relevance/pair/vocabulary.ts';
import { type DistillRun, type DistillState, trainDistill } from '../train/distill.ts';
import { type Evaluation, evaluate, type ExpertPair } from '../train/evaluate.ts';
import type { TokenCounts } from '../train/grpo-telemetry.ts';
import { askTeacher, isKeepingWorthwhile, KeptAnswers, type TeacherLogits } from '../train/teacher-logits.ts';
import type { DistillCheckpoint, DistillPoint } from './distill-checkpoint.ts';
import type { PreparedDistill, Teacher } from './distill-task.ts';
import { heldOutOf } from './grpo-measure.ts';

/** A trained model to distil into. */
export interface TrainedStudent {
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly tokenizer: ModelTokenizer;
}

/** A run between two updates. */
export interface DistillMoment {
  /** Updates made. */
  readonly step: number;
  /** Measures the present student; the curve records only what the settings ask for. */
  readonly evaluate: () => Promise<Evaluation>;
  readonly checkpoint: () => Promise<DistillCheckpoint>;
}

/** Callbacks that observe and steer a run. */
export interface DistillHooks extends Pick<DistillRun, 'onLog' | 'isLogWanted'> {
  /**
   * Ends the run after the present update, once its state has been given to `onCheckpoint`. With `beforeUpdate`, which
   * ends the run itself, it only ends what comes before the first update.
   */
  readonly signal?: AbortSignal | undefined;
  /** Awaited before every update. */
  readonly beforeUpdate?: (moment: DistillMoment) => Promise<void>;
  /** Called after an evaluation that the settings ask for. */
  readonly onEvaluate?: (step: number, evaluation: Evaluation) => void;
  /** Wraps evaluations and checkpoints, so that a clock can exclude them from training time. */
  readonly untimed?: <T>(work: () => Promise<T>) => Promise<T>;
  /** Called with the number of examples that the teacher has answered, if its answers are kept. */
  readonly onAsked?: (done: number, total: number) => void;
  readonly onMeasure?: (point: DistillPoint) => void;
  readonly onCheckpoint?: (checkpoint: DistillCheckpoint) => Promise<void>;
}

/** The result of a finished run. */
export interface FinishedDistill {
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly tokens: TokenCounts;
  readonly curve: readonly DistillPoint[];
}

/**
 * Trains a student on the current backend.
 *
 * @param prepared - the result of `prepareDistill` for the experiment
 * @param student - the shape of the student, and its weights where it is already trained
 * @param saved - the checkpoint to resume from
 * @throws {LabError} `bad-checkpoint` if the checkpoint has another teacher or other data; what `trainDistill` throws
 */
export async function runDistill(
  experiment: DistillExperiment,
  prepared: PreparedDistill,
  teacher: Teacher,
  student: { readonly config: ModelConfig; readonly weights?: ReadonlyMap<string, TensorData> },
  saved: DistillCheckpoint | undefined,
  hooks: DistillHooks = {},
): Promise<FinishedDistill> {
  const { distill } = experiment;
  const { config } = student;
  const { tokenizer, prompt } = teacher.model;
  const { untimed = (work) => work(), beforeUpdate } = hooks;
  const worldHash = prepared.dataHash;
  if (saved !== undefined) checkOrigin(saved, teacher.hash, worldHash);
  const begin = student.weights ?? initialWeights(config, new Rng(distill.seed));
  const model: Transformer = { config, weights: loadWeights(config, saved?.state.weights ?? begin) };
  const curve: DistillPoint[] = [...(saved?.curve ?? [])];
  let tokens: TokenCounts = saved?.state.tokens ?? { generated: 0, learned: 0, expert: 0 };
  let lossNats = 0;
  const evaluateNow = (): Promise<Evaluation> => untimed(() => evaluateStudent(model, teacher, distill, prepared.dev));
  const checkpointOf = (state: DistillState): DistillCheckpoint => {
    return { experiment, student: config, teacherHash: teacher.hash, worldHash, state, curve: [...curve] };
  };

  try {
    await trainDistill(distill, {
      model,
      teacher: await teacherLogits(distill, prepared, teacher, hooks),
      examples: prepared.examples,
      expert: prepared.expert,
      labelIds: tokenizer.labelIds(prompt.scaleSize),
      eosId: tokenizer.idOf(EOS),
      resume: saved?.state,
      signal: beforeUpdate === undefined ? hooks.signal : undefined,
      isLogWanted: hooks.isLogWanted,
      beforeUpdate: async (step, readState) => {
        const checkpoint = async (): Promise<DistillCheckpoint> => checkpointOf(await readState());
        if (beforeUpdate !== undefined) await beforeUpdate({ step, evaluate: evaluateNow, checkpoint });
        else if (hooks.signal?.aborted === true) await hooks.onCheckpoint?.(await checkpoint());
      },
      onLog: (entry) => {
        ({ tokens, lossNats } = entry);
        hooks.onLog?.(entry);
      },
      onEvaluate: async (step) => {
        const evaluation = await evaluateNow();
        const point = { step, tokens, lossNats, heldOut: heldOutOf(evaluation) };
        curve.push(point);
        hooks.onMeasure?.(point);
        hooks.onEvaluate?.(step, evaluation);
      },
      onCheckpoint: async (state) => {
        await hooks.onCheckpoint?.(checkpointOf(state));
      },
    });
    return { weights: await readWeights(model.weights), tokens, curve };
  } finally {
    disposeWeights(model.weights);
  }
}

/** Measures a student on expert pairs, without reasoning if it has learned labels only. */
export async function measureStudent(
  ...[transformer, teacher, config, pairs]: Parameters<typeof evaluateStudent>
): Promise<PolicyMeasures['heldOut']> {
  return heldOutOf(await evaluateStudent(transformer, teacher, config, pairs));
}

function evaluateStudent(
  transformer: Transformer,
  { model }: Teacher,
  config: DistillConfig,
  pairs: readonly ExpertPair[],
): Promise<Evaluation> {
  return evaluate({ ...model, transformer }, pairs, { completions: givesReasons(config) ? pairs.length : 0 });
}

/**
 * A trained model as a student.
 *
 * @throws {LabError} `bad-tokenizer` if its tokenizer differs from the teacher's; `bad-config` if its vocabulary has
 *   another size
 */
export function checkedStudent(student: TrainedStudent, { model }: Teacher): TrainedStudent {
  const { tokenizer, transformer } = model;
  const fix =
    "Leave out --student to distil into a new student, which uses the teacher's tokenizer. Or start from a student that " +
    'was made that way.';
  if (student.tokenizer.fingerprint !== tokenizer.fingerprint) {
    throw new LabError('bad-tokenizer', {
      message:
        'Student and teacher have different tokenizers, so the teacher scores other tokens than the student predicts.',
      expected: `the teacher's tokenizer ${tokenizer.fingerprint}`,
      got: `${student.tokenizer.fingerprint} of the student`,
      fix,
    });
  }
  if (student.config.vocabSize !== transformer.config.vocabSize) {
    throw new LabError('bad-config', {
      message: 'Student and teacher have the same tokenizer, but embeddings of different sizes.',
      expected: `${transformer.config.vocabSize} rows as in the teacher`,
      got: `${student.config.vocabSize}`,
      fix,
    });
  }
  return student;
}

function givesReasons({ method, expertWeight }: DistillConfig): boolean {
  if (expertWeight > 0) return true;
  return method.kind === 'trace' || method.kind === 'jsd' || (method.kind === 'expert' && method.segment === 'all');
}

/** The teacher's logits, computed once before training or on every batch. */
async function teacherLogits(
  config: DistillConfig,
  { examples }: PreparedDistill,
  { model }: Teacher,
  { signal, onAsked }: DistillHooks,
): Promise<TeacherLogits> {
  const ask = askTeacher(model.transformer);
  if (!needsTeacherLogits(config.method)) return ask;
  if (!isKeepingWorthwhile(config, model.transformer.config.vocabSize, examples)) return ask;
  const onProgress = (done: number): void => onAsked?.(done, examples.length);
  const answers = await KeptAnswers.make(model.transformer, examples, config, { signal, onProgress });
  return answers.read(ask);
}

function checkOrigin(saved: DistillCheckpoint, teacherHash: string, worldHash: string): void {
  const expected = `data ${saved.worldHash}, teacher ${saved.teacherHash}`;
  const got = `data ${worldHash}, teacher ${teacherHash}`;
  if (expected === got) return;
  throw new LabError('bad-checkpoint', {
    message: 'The checkpoint belongs to a run with another teacher or with other data.',
    expected,
    got,
    fix: 'Use --teacher to name the teacher that the run began with, or start a new run.',
  });
}
