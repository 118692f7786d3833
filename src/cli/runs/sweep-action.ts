/**
 * The action of `lab sweep`.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { parseSeeds, parseSweptSetting } from '../../config/swept-settings.ts';
import { LabError } from '../../common/errors.ts';
import { RUN_KINDS, type RunKind } from '../../protocol/tracked-run.ts';
import { compareRuns, comparisonReport } from '../../studies/run-comparison.ts';
import { interruption } from '../interruption.ts';
import { existing, writeWhole } from '../outputs.ts';
import { readJson } from './read-files.ts';
import { RUN_FILES } from './run-reader.ts';
import { watchIn, type WatchOptions } from './run-watcher.ts';
import { runsOf, textOf } from './runs-action.ts';
import { plannedRuns, type PlannedRun, type SweepPlan } from './sweep-plan.ts';
import { duration, note, print } from '../terminal.ts';

interface SweepOptions extends WatchOptions {
  readonly set: readonly string[];
  readonly seeds: string;
  readonly jobs: number;
  readonly config?: string;
  readonly out: string;
  readonly dryRun?: boolean;
}

export async function runSweep(kind: RunKind, others: readonly string[], options: SweepOptions): Promise<void> {
  const plan: SweepPlan = {
    kind,
    set: options.set.map(parseSweptSetting),
    seeds: parseSeeds(options.seeds),
    others: [...watchArgs(kind, options), ...configArgs(options), ...checkedOptions(others)],
  };
  const runs = plannedRuns(plan, options.out);
  if (options.dryRun === true) {
    for (const { args } of runs) print(`npm run lab -- ${args.map(quoted).join(' ')}`);
    return;
  }
  const signal = interruption();
  await keepPlan(options.out, plan);
  note(`${runs.length} runs, ${options.jobs} at a time.`);
  const failed = await makeRuns(runs, options.jobs, signal);
  if (signal.aborted) throw new LabError('aborted', { message: 'Stopped; repeat the command to continue.' });
  const made = await runsOf(runs.filter((run) => !failed.includes(run)).map(({ out }) => out));
  print(textOf(comparisonReport(compareRuns(made))));
  if (failed.length === 0) return;
  throw new LabError('internal', {
    message: `${failed.length} of ${runs.length} runs failed: ${failed.map(({ name }) => name).join('; ')}.`,
    fix: 'See their messages above; repeating the command runs them again.',
  });
}

/** The rule of all runs, as their commands take it. */
function watchArgs(kind: RunKind, options: WatchOptions): string[] {
  const watch = watchIn(kind, options);
  return watch === null ? [] : ['--watch', watch.metric, '--patience', String(watch.patience)];
}

/** The settings of all runs; the file may be anywhere from where the command is given. */
function configArgs({ config }: SweepOptions): string[] {
  return config === undefined ? [] : ['--config', config];
}

/** Options that a sweep sets itself. */
const OWN_OPTIONS: ReadonlySet<string> = new Set([
  '--out',
  '-o',
  '--seed',
  '--resume',
  '--force',
  '--watch',
  '--patience',
]);

/** @throws {LabError} `bad-config` for options that a sweep sets itself */
function checkedOptions(others: readonly string[]): readonly string[] {
  const own = others.find((option) => OWN_OPTIONS.has(option.split('=')[0] ?? ''));
  if (own === undefined) return others;
  throw new LabError('bad-config', {
    message: `A sweep sets ${own} for its runs itself.`,
    fix: 'Leave it out; give seeds with --seeds, and the folder with --out, as --watch and --patience, before "--".',
  });
}

const PlanSchema = v.strictObject({
  kind: v.picklist(RUN_KINDS),
  set: v.array(v.strictObject({ path: v.string(), values: v.array(v.string()) })),
  seeds: v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  others: v.array(v.string()),
});

/**
 * Stores the plan with its runs. Values and seeds may be added; anything else may not change, because it would change
 * the existing runs.
 *
 * @throws {LabError} `bad-config` if the folder has another sweep
 */
async function keepPlan(out: string, plan: SweepPlan): Promise<void> {
  const path = join(out, 'sweep.json');
  const kept = await readJson(path, PlanSchema);
  const same = ({ kind, set, others }: SweepPlan): string =>
    JSON.stringify([kind, set.map((setting) => setting.path), others]);
  // A plan of which no run was begun, such as one with a typing error, may be replaced.
  const isBegun = kept !== undefined && plannedRuns(kept, out).some((run) => existsSync(run.out));
  if (kept !== undefined && isBegun && same(kept) !== same(plan)) {
    throw new LabError('bad-config', {
      message: `${out} contains another sweep.`,
      expected: `${kept.kind} over ${kept.set.map((setting) => setting.path).join(', ')} with "${kept.others.join(' ')}"`,
      got: `${plan.kind} over ${plan.set.map((setting) => setting.path).join(', ')} with "${plan.others.join(' ')}"`,
      fix: 'Name another folder with --out.',
    });
  }
  await writeWhole(path, `${JSON.stringify(plan, null, 1)}\n`);
}

/** Makes runs, some at a time. @returns the failed ones */
async function makeRuns(runs: readonly PlannedRun[], jobs: number, signal: AbortSignal): Promise<PlannedRun[]> {
  const failed: PlannedRun[] = [];
  const waiting = [...runs];
  let done = 0;
  const tookMs: number[] = [];
  const left = (): string => {
    if (tookMs.length === 0 || done === runs.length) return '';
    const mean = tookMs.reduce((sum, ms) => sum + ms, 0) / tookMs.length;
    return `; about ${duration((mean * (runs.length - done)) / Math.min(jobs, runs.length - done) / 1000)} left`;
  };
  const work = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined && !signal.aborted; run = waiting.shift()) {
      const { name } = run;
      const isMade = existsSync(join(run.out, 'model'));
      const beganMs = performance.now();
      const { code, lastLine } = isMade ? { code: 0, lastLine: '' } : await makeRun(run, signal);
      done += 1;
      if (!isMade) tookMs.push(performance.now() - beganMs);
      if (code === 0) note(`${done}/${runs.length} ${name}${left()}.`);
      else if (!signal.aborted) {
        failed.push(run);
        note(`${done}/${runs.length} ${name} failed: ${lastLine}`);
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return failed;
}

const LAB = fileURLToPath(new URL('../../../scripts/lab.js', import.meta.url));

/** Makes one run in a separate process. */
async function makeRun({ out, args }: PlannedRun, signal: AbortSignal): Promise<{ code: number; lastLine: string }> {
  const isBegun = (await existing(out, RUN_FILES)).length > 0;
  const child = spawn(process.execPath, [LAB, ...args, ...(isBegun ? ['--resume'] : [])], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stop = (): void => void child.kill('SIGINT');
  signal.addEventListener('abort', stop);
  let last = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    last = (last + text).slice(-4000); // its last lines name the problem
  });
  try {
    const code = await new Promise<number>((resolve) => child.on('close', (exit) => resolve(exit ?? 130)));
    const lines = last.trimEnd().split('\n');
    return { code, lastLine: lines.findLast((line) => /^error: /iu.test(line)) ?? lines.at(-1) ?? '' };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function quoted(text: string): string {
  return /^[\w./=:,+-]+$/u.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
