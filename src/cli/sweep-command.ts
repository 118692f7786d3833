/**
 * `lab sweep`: many runs that differ in some settings and in their seeds, and a comparison of them. Each run is a
 * separate process of the ordinary command; an interrupted sweep is resumed by repeating its command.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { Argument, Command } from 'commander';
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { RUN_KINDS, type RunKind } from '../runs/run-summary.ts';
import { compareRuns, comparisonReport } from '../studies/run-comparison.ts';
import { reportMarkdown } from '../studies/report.ts';
import { interruption } from './interruption.ts';
import { wholeNumber } from './options.ts';
import { writeWhole } from './outputs.ts';
import { runsOf } from './runs-command.ts';
import { parseSeeds, parseSweptSetting, plannedRuns, type PlannedRun, type SweepPlan } from './sweep-plan.ts';
import { isErrno, systemError } from './system-errors.ts';
import { note, print } from './terminal.ts';

interface SweepOptions {
  readonly set: readonly string[];
  readonly seeds: string;
  readonly jobs: number;
  readonly out: string;
  readonly dryRun?: boolean;
}

export function sweepCommand(): Command {
  return new Command('sweep')
    .description('make runs with every combination of some settings and with several seeds, and compare them')
    .addArgument(new Argument('<kind>', 'the command to run').choices(RUN_KINDS))
    .argument('[options...]', 'after "--": options of that command for all runs')
    .requiredOption('-o, --out <folder>', 'the folder of the runs; repeating the command resumes the sweep there')
    .option('--set <path=values>', 'a setting and its values, separated by commas; may be repeated', collect, [])
    .option('--seeds <list>', 'seeds, such as 1-5 or 1,2,7', '1')
    .option('--jobs <n>', 'the number of concurrent runs', wholeNumber(1), 1)
    .option('--dry-run', 'list the runs without making them')
    .addHelpText(
      'after',
      `
Finished runs are kept, stopped ones resumed. Claims need at least five seeds. The paths of settings are those of --set and
--config of the command: "npm run lab -- grpo --help" lists them.

Example:
  npm run lab -- sweep grpo --set grpo.balance.lambda=0,0.3,1 --seeds 1-5 --jobs 2 --out runs/lambda -- --steps 100`,
    )
    .action(runSweep);
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

async function runSweep(kind: RunKind, others: readonly string[], options: SweepOptions): Promise<void> {
  const plan: SweepPlan = {
    kind,
    set: options.set.map(parseSweptSetting),
    seeds: parseSeeds(options.seeds),
    others: checkedOptions(others),
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
  const report = comparisonReport(compareRuns(made));
  print(reportMarkdown({ ...report, blocks: report.blocks.filter(({ kind: block }) => block !== 'plot') }).trimEnd());
  if (failed.length === 0) return;
  throw new LabError('internal', {
    message: `${failed.length} of ${runs.length} runs failed: ${failed.map(({ name }) => name).join('; ')}.`,
    fix: 'See their messages above; repeating the command runs them again.',
  });
}

/** Options that a sweep sets itself. */
const OWN_OPTIONS: ReadonlySet<string> = new Set(['--out', '-o', '--seed', '--resume', '--force']);

/** @throws {LabError} `bad-config` for options that a sweep sets itself */
function checkedOptions(others: readonly string[]): readonly string[] {
  const own = others.find((option) => OWN_OPTIONS.has(option.split('=')[0] ?? ''));
  if (own === undefined) return others;
  throw new LabError('bad-config', {
    message: `A sweep sets ${own} for its runs itself.`,
    fix: 'Leave it out; give seeds with --seeds, and the folder with --out before "--".',
  });
}

const PlanSchema = v.strictObject({
  kind: v.picklist(RUN_KINDS),
  set: v.array(v.strictObject({ path: v.string(), values: v.array(v.string()) })),
  seeds: v.array(v.number()),
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
  const kept = await keptPlan(path);
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

async function keptPlan(path: string): Promise<SweepPlan | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw systemError(error, `read ${path}`);
  }
  let plan: unknown = null;
  try {
    plan = JSON.parse(text);
  } catch {
    // The schema reports what was expected.
  }
  return parseConfig(path, PlanSchema, plan);
}

/** Makes runs, some at a time. @returns the failed ones */
async function makeRuns(runs: readonly PlannedRun[], jobs: number, signal: AbortSignal): Promise<PlannedRun[]> {
  const failed: PlannedRun[] = [];
  const waiting = [...runs];
  let done = 0;
  const work = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined && !signal.aborted; run = waiting.shift()) {
      const { name } = run;
      const { code, lastLine } = await makeRun(run, signal);
      done += 1;
      if (code === 0) note(`${done}/${runs.length} ${name}.`);
      else if (!signal.aborted) {
        failed.push(run);
        note(`${done}/${runs.length} ${name} failed: ${lastLine}`);
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return failed;
}

const LAB = fileURLToPath(new URL('../../scripts/lab.js', import.meta.url));

/** What a run that has begun may have left. */
const BEGUN = ['checkpoint.safetensors', 'log.jsonl', 'steps.jsonl', 'curve.jsonl', 'experiment.json'];

/** Makes one run in a separate process, unless it is finished. */
async function makeRun({ out, args }: PlannedRun, signal: AbortSignal): Promise<{ code: number; lastLine: string }> {
  if (existsSync(join(out, 'model'))) return { code: 0, lastLine: '' };
  const isBegun = BEGUN.some((name) => existsSync(join(out, name)));
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
