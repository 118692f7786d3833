/**
 * An own task in one file: its labels, what the grades of its data mean, how prompts are built, and the rules that give
 * reasons. `lab sft --task` and the Train view take it, each with the judged pairs in a file of their own; an example is
 * docs/examples/task.json. It is a part of a run's settings in other words: what it leaves out has its usual value.
 */
import * as v from 'valibot';
import { LabError, messageOf } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { lexiconSchema } from '../relevance/pair/lexicon.ts';
import { promptConfigSchema } from '../relevance/prompt/prompt.ts';
import { type Instruction, parseInstruction } from '../relevance/rules/instruction.ts';
import { GradeMeanings, gradeMeaningsSchema } from './grade-meanings.ts';
import { labelListSchema } from './label-names.ts';

/** Prompt settings that are a person's to choose; the others are those of this version of the lab. */
const PromptSchema = v.partial(
  v.strictObject({
    caseFold: promptConfigSchema.entries.caseFold,
    hints: promptConfigSchema.entries.hints,
    standing: promptConfigSchema.entries.standing,
    maxWordsPerField: promptConfigSchema.entries.maxWordsPerField,
  }),
);

export const TaskFileSchema = v.strictObject({
  /** Names, worst first. */
  labels: labelListSchema,
  /** The meanings of grades in the file of pairs (grade-meanings.ts); by default grades are labels from 0. */
  grades: v.optional(gradeMeaningsSchema, ''),
  prompt: v.optional(PromptSchema, {}),
  /** An instruction as `lab piar` writes it. Without one a model learns labels alone. */
  rules: v.optional(
    v.pipe(
      v.unknown(),
      v.rawTransform<unknown, Instruction>(({ dataset, addIssue, NEVER }) => {
        try {
          return parseInstruction(dataset.value);
        } catch (error) {
          addIssue({ message: messageOf(error).replace(/\.$/u, '') });
          return NEVER;
        }
      }),
    ),
  ),
  /** The words of the rules; by default those of the training documents. */
  lexicon: v.optional(lexiconSchema),
});
export type TaskFile = v.InferOutput<typeof TaskFileSchema>;

/**
 * The task in a text.
 *
 * @param place - the file, for errors
 * @throws {LabError} `bad-config` naming the field
 */
export function parseTask(place: string, text: string): TaskFile {
  const task = parseConfig(place, TaskFileSchema, parseConfig(place, v.pipe(v.string(), v.parseJson()), text));
  const { labels, grades, rules, lexicon } = task;
  const refuse = (field: string, expected: string, got: string): LabError =>
    new LabError('bad-config', {
      message: `${place} is not usable: ${field} does not fit labels.`,
      expected,
      got,
      fix: `Change ${field} or labels, so that both are of the same scale.`,
    });
  const highest = grades === '' ? 0 : (new GradeMeanings(grades).labels.at(-1) ?? 0);
  if (highest >= labels.length) throw refuse('grades', `labels from 0 to ${labels.length - 1}`, String(highest));
  if (rules !== undefined && rules.scaleSize !== labels.length) {
    throw refuse('rules.scaleSize', String(labels.length), String(rules.scaleSize));
  }
  if (lexicon !== undefined && rules === undefined) {
    throw new LabError('bad-config', {
      message: `${place} is not usable: lexicon has the words of rules, and there are none.`,
      fix: 'Add rules, or leave lexicon out.',
    });
  }
  return task;
}

/** The settings of a run on a file that a task decides; what it leaves out stays as it is. */
export function settingsOfTask({ labels, grades, prompt }: TaskFile): {
  readonly data: { readonly labels: string; readonly grades: string };
  readonly prompt: TaskFile['prompt'] & { readonly scaleSize: number };
} {
  return { data: { labels: labels.join(', '), grades }, prompt: { ...prompt, scaleSize: labels.length } };
}

/** Whether a text is meant as a task, right or wrong, and not as an instruction or a lexicon. */
export function isTask(text: string): boolean {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null && 'labels' in value;
  } catch {
    return false;
  }
}
