/**
 * Recipes of the distillation experiments: the students, how each is taught, and which of their differences answer the
 * question.
 *
 * All students share shape, vocabulary and prompts, and for each seed the initial weights and the order of batches, and
 * see about the same number of tokens. Students that learn labels only have shorter sequences, and therefore make more
 * updates. There is one teacher, whose card says how it was made, so intervals are over students and not over teachers.
 */
import { type Arm, claim, type Comparison, type Recipe, type StudentSettings } from './recipes.ts';

type Distill = NonNullable<StudentSettings['distill']>;

const STEPS = 500;
/** A pair has 79 input tokens with the expert's completion and 65 without. */
const LABEL_STEPS = Math.round((STEPS * 79) / 65);
const COMMON: Distill = { evaluateEvery: 125, checkpointEvery: 125 };

const TEACHER: Arm = { name: 'Teacher', run: { kind: 'teacher' } };

function student(name: string, distill: Distill, more: Omit<StudentSettings, 'distill'> = {}): Arm {
  return { name, run: { kind: 'distill', settings: { ...more, distill: { ...COMMON, steps: STEPS, ...distill } } } };
}

const NO_TEACHER = student('No teacher', { method: { kind: 'expert' } });
const JSD = student('JSD 0.5', { method: { kind: 'jsd' } });
/** The end point KL(teacher || student). */
const KL = student('KL', { method: { kind: 'jsd', beta: 0 } });
const TRACE = student('Label and trace', { method: { kind: 'trace' } });
const ON_POLICY = student('On-policy JSD 0.5', { method: { kind: 'jsd', studentShare: 0.5 } });
const LABEL_KD = student('Label KD', { steps: LABEL_STEPS, method: { kind: 'label-kd' } });
const HARD_LABEL = student('Hard label', { steps: LABEL_STEPS, method: { kind: 'hard-label' } });
const NO_TEACHER_LABELS = student('No teacher, labels alone', {
  steps: LABEL_STEPS,
  method: { kind: 'expert', segment: 'label' },
});
const ON_POLICY_KL = student('On-policy KL', { method: { kind: 'jsd', beta: 0, studentShare: 0.5 } });
/** These two also read the expert's completions, so steps are equal and tokens are not. */
const LABEL_KD_BESIDE = student('Label KD beside the expert', { method: { kind: 'label-kd' }, expertWeight: 1 });
const JSD_BESIDE = student('JSD 0.5 beside the expert', { method: { kind: 'jsd' }, expertWeight: 0.5 });
/** A tenth of the judged pairs, seen ten times as often. */
const FEW_JUDGED = student('No teacher, a tenth of the pairs', { method: { kind: 'expert' } }, { queries: 150 });
/** Uses no judgment: neither the label nor the completion of the expert. */
const UNJUDGED = student("JSD 0.5 on the teacher's completions", { method: { kind: 'jsd', completions: 'teacher' } });

const isMoreAccurate = (arm: Arm, against: Arm): Comparison[] =>
  claim('accuracy', `${arm.name} answers better than: ${against.name}`, arm, against);

export const DISTILL_RECIPES: readonly Recipe[] = [
  {
    id: 'E7',
    title: 'What a student takes from its teacher',
    question: 'Does a teacher make a small model better than the same tokens without one, and which way of teaching?',
    arms: [
      TEACHER,
      NO_TEACHER,
      JSD,
      LABEL_KD,
      TRACE,
      ON_POLICY,
      HARD_LABEL,
      NO_TEACHER_LABELS,
      KL,
      JSD_BESIDE,
      FEW_JUDGED,
      UNJUDGED,
      LABEL_KD_BESIDE,
      ON_POLICY_KL,
    ],
    gap: { floor: NO_TEACHER.name, ceiling: TEACHER.name },
    comparisons: [
      ...[JSD, LABEL_KD, TRACE, ON_POLICY, HARD_LABEL, KL, JSD_BESIDE, UNJUDGED].flatMap((arm) =>
        isMoreAccurate(arm, NO_TEACHER),
      ),
      ...isMoreAccurate(LABEL_KD, NO_TEACHER_LABELS),
      ...isMoreAccurate(HARD_LABEL, NO_TEACHER_LABELS),
      ...isMoreAccurate(ON_POLICY, JSD),
      ...isMoreAccurate(JSD, TRACE),
      ...isMoreAccurate(JSD, KL),
      ...isMoreAccurate(ON_POLICY_KL, KL),
      ...isMoreAccurate(LABEL_KD_BESIDE, NO_TEACHER),
      ...isMoreAccurate(UNJUDGED, FEW_JUDGED),
      ...[JSD, TRACE, ON_POLICY, KL, JSD_BESIDE].flatMap((arm) =>
        claim('tailRecall', `${arm.name} cites more rules of the tail than: ${NO_TEACHER.name}`, arm, NO_TEACHER),
      ),
    ],
  },
];
