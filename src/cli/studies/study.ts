/**
 * The runner of studies. A study is arms, each with runs (seeds, splits or folds), and the results that they make
 * together. The runner opens the backend, stops on Ctrl-C, skips runs that other processes work on, and writes results
 * with their report. Runs store and resume themselves (`cli/runs/run-folder.ts`).
 */
import { cpus } from 'node:os';
import { currentCommit } from '../current-commit.ts';
import { interruption } from '../interruption.ts';
import { openNodeBackend } from '../node-backend.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { OutputRules } from '../outputs.ts';
import { checkResults, writeResults } from '../results-files.ts';
import type { MadeBy } from '../runs/run-folder.ts';
import { note } from '../terminal.ts';

/** What all runs of a study share. */
export interface StudySession extends MadeBy {
  readonly signal: AbortSignal;
}

/** The runs of a study, and its results. */
export interface Study<Outcome> {
  readonly arms: readonly {
    readonly name: string;
    /** Each makes or reads its outcome; undefined if another process works on it. */
    readonly runs: readonly (() => Promise<Outcome | undefined>)[];
  }[];
  /** The results of all arms, in order, in the form of a results file. */
  readonly results: (
    arms: readonly { readonly name: string; readonly outcomes: Outcome[] }[],
  ) => StudyResults | Promise<StudyResults>;
}

/** A results file (`cli/results-files.ts`). */
interface StudyResults {
  readonly id: string;
  readonly verdict?: string;
}

/** Options for the results. */
export interface StudyOptions {
  readonly out: string;
  readonly force?: boolean | undefined;
  /** Undefined where nothing is computed on a backend. */
  readonly backend?: BackendChoice;
}

/**
 * Checks that the results of a study can be written, before anything else.
 *
 * @param inputs - the inputs of the command
 * @throws {LabError} `bad-config` if they would replace an input, or earlier results without `force`
 */
export function checkStudy(
  id: string,
  { out, force }: Pick<StudyOptions, 'out' | 'force'>,
  inputs: OutputRules['inputs'],
): Promise<void> {
  return checkResults(out, id, { inputs, force });
}

/**
 * Runs a study and writes its results, which {@link checkStudy} has checked.
 *
 * @returns the path of the results without `.json`; undefined if other processes work on some runs
 * @throws {LabError} `aborted` after Ctrl-C or SIGTERM; `no-backend`; what runs throw
 */
export async function runStudy<Outcome>(
  { out, backend }: Pick<StudyOptions, 'out' | 'backend'>,
  plan: (session: StudySession) => Study<Outcome>,
): Promise<string | undefined> {
  const signal = interruption();
  const device = await deviceOf(backend);
  const study = plan({ device, commit: currentCommit(), signal });
  const arms: { name: string; outcomes: Outcome[] }[] = [];
  let elsewhere = 0;
  for (const { name, runs } of study.arms) {
    const outcomes: Outcome[] = [];
    for (const run of runs) {
      const outcome = await run();
      if (outcome === undefined) elsewhere += 1;
      else outcomes.push(outcome);
    }
    arms.push({ name, outcomes });
  }
  if (elsewhere > 0) {
    note(`Other processes work on ${elsewhere} runs. Repeat the command when they are done, to write the results.`);
    return undefined;
  }
  const results = await study.results(arms);
  const path = await writeResults(out, results);
  if (results.verdict !== undefined) note(results.verdict);
  return path;
}

async function deviceOf(backend: BackendChoice | undefined): Promise<string> {
  if (backend === undefined) return `CPU, ${cpus()[0]?.model ?? 'unknown'}`;
  const opened = await openNodeBackend(backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  return `${opened.backend}, ${opened.device}`;
}
