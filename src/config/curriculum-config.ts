/**
 * In which order the prompts of a reinforcement run are drawn.
 */
import * as v from 'valibot';
import { fraction, kindOf, setting, steps } from './settings.ts';

/** What all orders by stages share. */
const staging = {
  rehearsalShare: setting(
    fraction,
    0.25,
    'Rehearsal',
    'Share of a step\u2019s prompts from stages that are over, so that they are not forgotten.',
  ),
  rareShare: setting(
    fraction,
    0.25,
    'Rare rules',
    'Share of a step\u2019s prompts in the mixed stage that cite a rare rule, beside those in the mix.',
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
    'Where the first and the second stage end at the latest, as shares of the run.',
  );

/**
 * The order of prompts by how often the start answered them rightly (train/curriculum.ts): stage 1 at least half the
 * time, stage 2 less often, stage 3 all of these and rare rules besides. All but random need pass rates.
 */
export const CurriculumSchema = v.variant('kind', [
  v.strictObject({ kind: kindOf('random', 'Random', 'As they are drawn.') }),
  v.strictObject({
    kind: kindOf('staged', 'In stages', 'What the start finds easy, then hard, then all and rare rules more often.'),
    ends: ends(1 / 3, 2 / 3),
    ...staging,
  }),
  v.strictObject({
    kind: kindOf('reversed', 'In stages, reversed', 'The control for "In stages": from all to easy.'),
    ends: ends(1 / 3, 2 / 3),
    ...staging,
  }),
  v.strictObject({
    kind: kindOf('adaptive', 'In stages, adaptive', 'In stages, but one ends once its prompts are answered well.'),
    promoteAt: setting(
      v.tuple([fraction, fraction]),
      [0.85, 0.5],
      'Promote at',
      'Mean label reward of a stage\u2019s own prompts that ends stage 1, and stage 2.',
    ),
    window: setting(steps, 10, 'Window', 'Steps that the mean is over; no stage is shorter.', { unit: 'steps' }),
    ends: ends(0.4, 0.8),
    ...staging,
  }),
]);
