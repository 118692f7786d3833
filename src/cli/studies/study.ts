/**
 * The commands that run studies. A study is arms, each with runs (seeds, splits or folds), and the results that they
 * make together. Here is the one runner: it opens the backend, stops on Ctrl-C, leaves runs to other processes that
 * work on them, and writes results with their report. Runs keep and resume themselves (`cli/run-folder.ts`).
 */
import { cpus } from 'node:os';
import process from 'node:process';
import { currentCommit } from '../current-commit.ts';
import { type BackendName, openNodeBackend } from '../node-backend.ts';
import { writeResults } from '../results-files.ts';
import type { MadeBy } from '../run-folder.ts';
import { note } from '../terminal.ts';

/** What all runs of a study share. */
export interface StudySession extends MadeBy {
  readonly signal: AbortSignal;
}

/** What is run, and what becomes of it. */
export interface Study<Outcome> {
  readonly arms: readonly {
    readonly name: string;
    /** Each makes or reads its outcome; undefined if another process works on it. */
    readonly runs: readonly (() => Promise<Outcome | undefined>)[];
  }[];
  /** The results of all arms, in order, as a results file keeps them. */
  readonly results: (
    arms: readonly { readonly name: string; readonly outcomes: Outcome[] }[],
  ) => StudyResults | Promise<StudyResults>;
}

/** A results file (`cli/results-files.ts`). */
interface StudyResults {
  readonly id: string;
  readonly verdict?: string;
}

/**
 * Runs a study and writes its results.
 *
 * @param options.backend - undefined where nothing is computed on a backend
 * @returns the path of the results without `.json`; undefined if other processes work on some runs
 * @throws {LabError} `aborted` after Ctrl-C; `no-backend`; what runs throw
 */
export async function runStudy<Outcome>(
  { out, backend }: { readonly out: string; readonly backend?: BackendName },
  plan: (session: StudySession) => Study<Outcome>,
): Promise<string | undefined> {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  const device = await deviceOf(backend);
  const study = plan({ device, commit: currentCommit(), signal: controller.signal });
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
    note(`Other processes work on ${elsewhere} runs. Give the command again when they are done, to write the results.`);
    return undefined;
  }
  const results = await study.results(arms);
  const path = await writeResults(out, results);
  if (results.verdict !== undefined) note(results.verdict);
  return path;
}

async function deviceOf(backend: BackendName | undefined): Promise<string> {
  if (backend === undefined) return `CPU, ${cpus()[0]?.model ?? 'unknown'}`;
  const opened = await openNodeBackend(backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  return `${opened.backend}, ${opened.device}`;
}
