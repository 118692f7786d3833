/**
 * `lab experiment E11`: trains small models with free and with held completions, and measures each under every
 * decoding. The most important arms come first, because `--arms` runs only the first ones.
 */
import type { DecodingKind } from '../../config/decoding.ts';
import type { DecodingMeasures } from '../../studies/held-measure.ts';
import { type E11Results, e11Results, type HeldArm, RULE_WORLD } from '../../studies/e11-held.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { measureJudgedSet, judgedSets } from './held-files.ts';
import { measureBundled, measureReinforced, measureStudent, measureSupervised, type HeldContext } from './held-runs.ts';
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

/** The result of a run. */
type Outcome =
  | {
      readonly kind: 'arm';
      readonly arm: Omit<HeldArm, 'seeds'>;
      readonly seed: number;
      readonly measures: DecodingMeasures;
    }
  | { readonly kind: 'bundled'; readonly folder: string; readonly measures: DecodingMeasures };

/** @returns the path of the results without `.json`; undefined if other processes work on some runs */
export function runHeldExperiment(options: HeldOptions): Promise<string | undefined> {
  const sets = judgedSets(options.sets);
  return runStudy<Outcome>(options, (session) => {
    const context: HeldContext = { ...session, root: options.runs, teacherFolder: options.teacher };
    const seeds = Array.from({ length: options.seeds }, (_, i) => i + 1);
    const arm = (
      of: Omit<HeldArm, 'seeds'>,
      ask: (seed: number) => Promise<DecodingMeasures | undefined>,
    ): { name: string; runs: (() => Promise<Outcome | undefined>)[] } => ({
      name: `${of.data}, ${of.learned}, ${of.trained ?? 'expert'}`,
      runs: seeds.map((seed) => async () => {
        const measures = await ask(seed);
        return measures === undefined ? undefined : { kind: 'arm', arm: of, seed, measures };
      }),
    });
    const reinforced = (learned: 'GRPO' | 'MBO', trained: DecodingKind) =>
      arm({ data: RULE_WORLD, learned, trained }, (seed) => measureReinforced(learned, trained, seed, context));
    const student = (trained: DecodingKind) =>
      arm({ data: RULE_WORLD, learned: 'student', trained }, (seed) => measureStudent(trained, seed, context));
    const all = [
      arm({ data: RULE_WORLD, learned: 'supervised', trained: null }, (seed) => measureSupervised(seed, context)),
      ...TRAINED_DECODINGS.flatMap((trained) => [reinforced('GRPO', trained), reinforced('MBO', trained)]),
      ...sets.map((set) =>
        arm({ data: set.recipe.id, learned: 'supervised', trained: null }, (seed) =>
          measureJudgedSet(set, seed, context),
        ),
      ),
      ...TRAINED_DECODINGS.map(student),
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
            const measures = await measureBundled(folder, context);
            return measures === undefined ? undefined : { kind: 'bundled', folder, measures };
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

/** Decodings of rollouts and of teacher completions: the two whose difference matters most. */
const TRAINED_DECODINGS = ['free', 'grounded'] as const;

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
    arms.set(key, { ...known, seeds: [...known.seeds, { seed: outcome.seed, ...outcome.measures }] });
  }
  const bundled = outcomes.flatMap((outcome) =>
    outcome.kind === 'bundled'
      ? [{ name: outcome.folder.split('/').at(-1) ?? '', folder: outcome.folder, ...outcome.measures }]
      : [],
  );
  const config = {
    seeds,
    teacher,
    start: settings.HELD_START,
    GRPO: settings.grpoSettings(0, 'free'),
    lambda: settings.LAMBDA,
    student: settings.distillSettings('free'),
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
