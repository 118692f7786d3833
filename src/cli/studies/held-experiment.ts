/**
 * `lab experiment E11`: trains small models freely and held, and asks each of them freely, held to the grammar, and held to the
 * pair. The most important arms come first.
 */
import type { DecodingKind } from '../../config/decoding.ts';
import type { Answered } from '../../studies/held-measure.ts';
import { type E11Results, e11Results, type HeldArm, RULE_WORLD } from '../../studies/e11-held.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { askedFile, judgedSets } from './held-files.ts';
import { askedBundled, askedReinforced, askedStudent, askedSupervised, type HeldContext } from './held-runs.ts';
import * as settings from './held-settings.ts';
import { runStudy, type StudySession } from './study.ts';

/** Models with reasons by the rules of the bundled world. */
const BUNDLED = ['default', 'lab-nano-student', 'lab-nano-start', 'lab-nano-balanced', 'lab-nano-collapsed'].map(
  (name) => `public/models/${name}`,
);

interface HeldOptions {
  readonly seeds: number;
  /** Only the first arms, besides the bundled models. */
  readonly arms?: number;
  readonly teacher: string;
  /** Folders of judged pairs; without them their arms are missing. */
  readonly sets: readonly string[];
  readonly runs: string;
  readonly out: string;
  readonly backend: BackendChoice;
}

/** A run, and what it was of. */
type Outcome =
  | { readonly kind: 'arm'; readonly arm: Omit<HeldArm, 'seeds'>; readonly seed: number; readonly answered: Answered }
  | { readonly kind: 'bundled'; readonly folder: string; readonly answered: Answered };

/** @returns the path of the results without `.json`; undefined if other processes work on some runs */
export function runHeldExperiment(options: HeldOptions): Promise<string | undefined> {
  const sets = judgedSets(options.sets);
  return runStudy<Outcome>(options, (session) => {
    const context: HeldContext = { ...session, root: options.runs, teacherFolder: options.teacher };
    const seeds = Array.from({ length: options.seeds }, (_, i) => i + 1);
    const arm = (
      of: Omit<HeldArm, 'seeds'>,
      ask: (seed: number) => Promise<Answered | undefined>,
    ): { name: string; runs: (() => Promise<Outcome | undefined>)[] } => ({
      name: `${of.data}, ${of.learned}, ${of.trained ?? 'expert'}`,
      runs: seeds.map((seed) => async () => {
        const answered = await ask(seed);
        return answered === undefined ? undefined : { kind: 'arm', arm: of, seed, answered };
      }),
    });
    const reinforced = (learned: 'GRPO' | 'MBO', trained: DecodingKind) =>
      arm({ data: RULE_WORLD, learned, trained }, (seed) => askedReinforced(learned, trained, seed, context));
    const student = (trained: DecodingKind) =>
      arm({ data: RULE_WORLD, learned: 'student', trained }, (seed) => askedStudent(trained, seed, context));
    const all = [
      arm({ data: RULE_WORLD, learned: 'supervised', trained: null }, (seed) => askedSupervised(seed, context)),
      ...HELD.flatMap((trained) => [reinforced('GRPO', trained), reinforced('MBO', trained)]),
      ...sets.map((set) =>
        arm({ data: set.recipe.id, learned: 'supervised', trained: null }, (seed) => askedFile(set, seed, context)),
      ),
      ...HELD.map(student),
      reinforced('GRPO', 'grammar'),
      reinforced('MBO', 'grammar'),
      student('grammar'),
    ];
    const left = all.slice(options.arms ?? all.length).map(({ name }) => name);
    return {
      arms: [
        {
          name: 'bundled',
          runs: BUNDLED.map((folder) => async () => {
            const answered = await askedBundled(folder, context);
            return answered === undefined ? undefined : { kind: 'bundled', folder, answered };
          }),
        },
        ...all.slice(0, options.arms),
      ],
      results: (finished) =>
        resultsOf(
          finished.flatMap(({ outcomes }) => outcomes),
          left,
          options,
          session,
        ),
    };
  });
}

/** What rollouts and the completions of a teacher are held to, the most telling ones. */
const HELD = ['free', 'grounded'] as const;

function resultsOf(
  outcomes: readonly Outcome[],
  left: readonly string[],
  { seeds, teacher, sets }: HeldOptions,
  { device, commit }: Pick<StudySession, 'device' | 'commit'>,
): E11Results {
  const arms = new Map<string, HeldArm>();
  for (const outcome of outcomes) {
    if (outcome.kind !== 'arm') continue;
    const key = JSON.stringify(outcome.arm);
    const known = arms.get(key) ?? { ...outcome.arm, seeds: [] };
    arms.set(key, { ...known, seeds: [...known.seeds, { seed: outcome.seed, ...outcome.answered }] });
  }
  const bundled = outcomes.flatMap((outcome) =>
    outcome.kind === 'bundled'
      ? [{ name: outcome.folder.split('/').at(-1) ?? '', folder: outcome.folder, ...outcome.answered }]
      : [],
  );
  const config = {
    seeds,
    teacher,
    start: settings.HELD_START,
    GRPO: settings.reinforced(0, 'free'),
    lambda: settings.LAMBDA,
    student: settings.taught('free'),
    files: { sft: settings.FILE_SFT, split: settings.FILE_SPLIT, rounds: settings.FILE_PIAR_ROUNDS },
    testPairs: { world: settings.WORLD_TEST_PAIRS, files: settings.FILE_TEST_PAIRS },
  };
  const missing = [
    ...left.map((name) => `${name}: not run, to keep the experiment short.`),
    ...(sets.length === 0 ? ['Judged pairs: no folders were named by --sets.'] : []),
    ...(sets.length === 0 ? [] : ['Reinforcement and students on judged pairs: to keep the experiment short.']),
  ];
  return e11Results({ arms: [...arms.values()], bundled, missing }, { device, commit, config });
}
