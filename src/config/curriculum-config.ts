/**
 * The order in which a reinforcement run draws its prompts.
 */
import * as v from 'valibot';
import { fraction, kindOf, setting, steps } from './settings.ts';

/** Settings of every order with stages. */
const staging = {
  rehearsalShare: setting(
    fraction,
    0.25,
    'Rehearsal',
    'Share of a step\u2019s prompts from finished stages, to prevent forgetting.',
  ),
  rareShare: setting(
    fraction,
    0.25,
    'Rare rules',
    'In the mixed stage: share of a step\u2019s prompts drawn from those that cite a rare rule.',
  ),
};
/** Two shares of the run's steps, in order: where the first and the second stage end. */
const ends = (first: number, second: number) =>
  setting(
    v.pipe(
      v.tuple([fraction, fraction]),
      v.check(([one, two]) => one <= two, 'the second stage must not end before the first'),
    ),
    [first, second],
    'Ends of stages',
    'The latest ends of the first and the second stage, as shares of the run.',
  );

/**
 * The order of prompts by the pass rate of the start model (train/curriculum.ts): stage 1 has prompts with a rate of at
 * least 0.5, stage 2 those below, stage 3 both and additional prompts with rare rules. Every order except random needs
 * pass rates.
 */
export const CurriculumSchema = v.variant('kind', [
  v.strictObject({ kind: kindOf('random', 'Random', 'No order.') }),
  v.strictObject({
    kind: kindOf(
      'staged',
      'In stages',
      'Prompts that are easy for the start model, then hard ones, then all, with more rare rules.',
    ),
    ends: ends(1 / 3, 2 / 3),
    ...staging,
  }),
  v.strictObject({
    kind: kindOf('reversed', 'In stages, reversed', 'The control for "In stages": the same stages in reverse.'),
    ends: ends(1 / 3, 2 / 3),
    ...staging,
  }),
  v.strictObject({
    kind: kindOf('adaptive', 'In stages, adaptive', 'In stages; a stage ends once its prompts are answered well.'),
    promoteAt: setting(
      v.tuple([fraction, fraction]),
      [0.85, 0.5],
      'Promote at',
      'Mean label reward on a stage\u2019s own prompts at which stage 1 and stage 2 end.',
    ),
    window: setting(steps, 10, 'Window', 'Steps over which the mean is taken; no stage is shorter.', { unit: 'steps' }),
    ends: ends(0.4, 0.8),
    ...staging,
  }),
]);
