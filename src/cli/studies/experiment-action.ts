/**
 * The action of `lab experiment`.
 */
import { ALL_RECIPES } from '../../studies/all-recipes.ts';
import { join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import { findingsOf, verdictOf } from '../../studies/recipe-results.ts';
import { withGapClosed } from '../../studies/gap-closed.ts';
import { type Arm, type Recipe, START_SETTINGS } from '../../studies/recipes.ts';
import type { ExperimentResults, SeedResult } from '../../protocol/experiment-results.ts';
import { runEvidenceExperiment } from './evidence-experiment.ts';
import { runHeldExperiment } from './held-experiment.ts';
import { type ExperimentContext, TEST_PAIRS } from './experiment-context.ts';
import { resultOf } from './experiment-runs.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { runE0, type TheoryResults } from '../../studies/theory.ts';
import { startModel } from '../runs/start-model.ts';
import { checkStudy, runStudy } from './study.ts';
import { note, print } from '../terminal.ts';

interface ExperimentOptions {
  readonly seeds: number;
  readonly arms?: number;
  readonly steps?: number;
  readonly teacher: string;
  readonly sets: readonly string[];
  readonly runs: string;
  readonly out: string;
  readonly force?: boolean;
  readonly backend: BackendChoice;
}

export async function runExperiment(id: string, options: ExperimentOptions): Promise<void> {
  await checkStudy(id, options, [options.teacher, ...options.sets]);
  const path = await runById(id, options);
  if (path !== undefined) print(`${path}.json`);
}

/** @returns the path of the results without `.json`; undefined if other processes work on some runs */
function runById(id: string, options: ExperimentOptions): Promise<string | undefined> {
  if (id === 'E0') return checkTheory(options);
  if (id === 'E10') return runEvidenceExperiment(options);
  if (id === 'E11') return runHeldExperiment(options);
  const recipe = ALL_RECIPES.find((candidate) => candidate.id === id);
  if (recipe === undefined) throw new LabError('bad-config', { message: `There is no experiment ${id}.` });
  return runRecipe(recipe, options);
}

function runRecipe(recipe: Recipe, options: ExperimentOptions): Promise<string | undefined> {
  const arms = recipe.arms.slice(0, options.arms);
  const seeds = Array.from({ length: options.seeds }, (_, i) => i + 1);
  return runStudy<SeedResult>(options, (session) => {
    const { device, commit, signal } = session;
    const context: ExperimentContext = {
      ...session,
      root: options.runs,
      testPairs: TEST_PAIRS,
      steps: options.steps,
      startFolder: (seed) => startModel(join(options.runs, 'starts'), seed, signal, device),
      teacherFolder: options.teacher,
    };
    return {
      arms: arms.map((arm) => ({
        name: arm.name,
        runs: seeds.map((seed) => () => resultOf(arm, seed, context)),
      })),
      results: (finished) => {
        const named = finished.map(({ name, outcomes }) => ({ name, seeds: outcomes }));
        const measured = recipe.gap === undefined ? named : withGapClosed(named, recipe.gap);
        const findings = findingsOf(recipe, measured);
        return {
          id: recipe.id,
          title: recipe.title,
          question: recipe.question,
          device,
          commit,
          config: { ...originOf(arms, options), seeds: options.seeds, arms },
          arms: measured,
          findings,
          verdict: verdictOf(findings),
        } satisfies ExperimentResults;
      },
    };
  });
}

/** What runs begin with, where that is not new weights. */
function originOf(arms: readonly Arm[], { teacher }: ExperimentOptions): object {
  const has = (kind: Arm['run']['kind']): boolean => arms.some(({ run }) => run.kind === kind);
  if (has('distill')) return { teacher };
  return has('grpo') || has('start') ? { start: START_SETTINGS } : {};
}

/** @throws {LabError} `internal` if something does not come out as theory says */
async function checkTheory({ out }: ExperimentOptions): Promise<string | undefined> {
  const checks: TheoryResults['checks'] = [];
  const path = await runStudy({ out }, ({ commit }) => ({
    arms: [],
    results: () => {
      const results = runE0(commit);
      checks.push(...results.checks);
      return results;
    },
  }));
  for (const { name, expected, got, holds } of checks) {
    note(`${holds ? 'holds' : 'FAILS'}  ${name}: expected ${expected.toPrecision(6)}, got ${got.toPrecision(6)}`);
  }
  if (checks.some(({ holds }) => !holds)) {
    throw new LabError('internal', { message: `E0 does not hold; see ${path ?? out}.json.` });
  }
  return path;
}
