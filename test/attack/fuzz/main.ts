/**
 * `npm run fuzz -- --cases N --seed S [--target NAME] [--fresh]`: runs cases in a process of its own, so that a case
 * that hangs or exhausts memory is a find and not the end. Progress is kept in `.cache/fuzz`, and a command that is
 * repeated continues; finds are written to test/attack/corpus, where a test reads them.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hashHex } from '../../../src/common/rng.ts';
import { caseOf, findToJson, type Kind, targetsNamed } from './fuzz.ts';

/** A child that says nothing for this long has a case that hangs; far above any busy machine's pauses. */
const HANG_MS = 180_000;
const MEMORY_LIMIT_MIB = 1024;
/** More than there are in one report. */
const CAREFUL_CASES = 20_000;

/** Counts so far. */
interface Tally {
  done: number;
  refused: number;
  cpuMs: number;
  slowestMs: number;
  peakMib: number;
  finds: Record<Kind | 'hang', number>;
  byTarget: Record<string, { cases: number; refused: number; cpuMs: number }>;
}
/** What the child reports after some cases. */
export interface Report {
  readonly next: number;
  readonly rssMib: number;
  readonly cases: readonly { readonly target: string; readonly isRefused: boolean; readonly cpuMs: number }[];
  readonly finds: readonly { readonly target: string; readonly kind: Kind; readonly number: number; readonly what: string; readonly json: string }[]; // prettier-ignore
}

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string', default: '' },
    fresh: { type: 'boolean', default: false },
  },
});
const cases = Number(values.cases);
if (!(Number.isSafeInteger(cases) && cases > 0)) throw new Error(`--cases ${values.cases} is no whole number above 0.`);

const FOLDER = '.cache/fuzz';
const CORPUS = fileURLToPath(new URL('../corpus', import.meta.url));
const statePath = join(FOLDER, `seed-${hashHex(`${values.seed}/${values.target}`)}.json`);
mkdirSync(FOLDER, { recursive: true });
mkdirSync(CORPUS, { recursive: true });

function loadTally(): Tally {
  try {
    if (!values.fresh) return JSON.parse(readFileSync(statePath, 'utf8')) as Tally;
  } catch {
    // It is the first time.
  }
  const finds = { exception: 0, wrong: 0, slow: 0, 'long message': 0, pollution: 0, hang: 0 };
  return { done: 0, refused: 0, cpuMs: 0, slowestMs: 0, peakMib: 0, finds, byTarget: {} };
}

const tally = loadTally();
const seen = new Set<string>();

function take(report: Report): void {
  for (const { target, isRefused, cpuMs } of report.cases) {
    const of = (tally.byTarget[target] ??= { cases: 0, refused: 0, cpuMs: 0 });
    of.cases += 1;
    of.cpuMs += cpuMs;
    tally.cpuMs += cpuMs;
    tally.slowestMs = Math.max(tally.slowestMs, cpuMs);
    if (isRefused) [of.refused, tally.refused] = [of.refused + 1, tally.refused + 1];
  }
  tally.done = report.next;
  tally.peakMib = Math.max(tally.peakMib, report.rssMib);
  for (const find of report.finds) {
    tally.finds[find.kind] += 1;
    // Finds of one cause differ in their numbers and quotations.
    const cause =
      `${find.target}/${find.kind}/${find.what.split('\n')[0]?.replaceAll(/\d+|"[^"]*"/gu, '') ?? ''}`.slice(0, 160);
    if (seen.has(cause) || seen.size >= 60) continue;
    seen.add(cause);
    process.stdout.write(`\ncase ${find.number}, ${find.target}: ${find.kind}: ${find.what.slice(0, 700)}\n`);
    const name = `${find.target.replaceAll(/\W+/gu, '-').toLowerCase()}-${hashHex(cause)}.json`;
    if (find.json.length < 20_000) writeFileSync(join(CORPUS, name), find.json);
  }
  writeFileSync(statePath, JSON.stringify(tally));
}

/** Runs cases in a child until it is at `to` or ends; true if it is there. @param isCareful - reports each case */
async function runChild(to: number, isCareful: boolean): Promise<boolean> {
  const child: ChildProcess = fork(fileURLToPath(new URL('child.ts', import.meta.url)), {
    execArgv: [...process.execArgv, `--max-old-space-size=${MEMORY_LIMIT_MIB}`],
    env: { ...process.env, FUZZ: JSON.stringify({ ...values, from: tally.done, to, isCareful }) },
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const watch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => child.kill('SIGKILL'), HANG_MS);
  };
  watch();
  child.on('message', (message) => {
    watch();
    take(message as Report);
  });
  await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  return tally.done >= to;
}

while (tally.done < cases) {
  if (await runChild(cases, false)) break;
  // What came after the last report hung, or took too much memory; the second time it is known which case it was.
  if (await runChild(Math.min(cases, tally.done + CAREFUL_CASES), true)) continue;
  tally.finds.hang += 1;
  const { target, input } = caseOf(values.seed, tally.done, targetsNamed(values.target));
  process.stdout.write(
    `\ncase ${tally.done}, ${target.name}: the process ended, or said nothing for ${HANG_MS / 1000} s\n`,
  );
  const name = `${target.name.replaceAll(/\W+/gu, '-').toLowerCase()}-${hashHex(`hang/${tally.done}`)}.json`;
  const json = findToJson({ target: target.name, kind: 'slow', what: 'it does not end', input });
  if (json.length < 20_000) writeFileSync(join(CORPUS, name), json);
  tally.done += 1;
  writeFileSync(statePath, JSON.stringify(tally));
}
const total = Object.values(tally.finds).reduce((sum, count) => sum + count, 0);
const slowest = Object.entries(tally.byTarget).toSorted(([, a], [, b]) => b.cpuMs - a.cpuMs);
for (const [target, of] of slowest) {
  process.stdout.write(`${String(of.cases).padStart(8)} cases, ${String(of.refused).padStart(8)} refused, ${(of.cpuMs / of.cases).toFixed(2).padStart(8)} CPU ms each: ${target}\n`); // prettier-ignore
}
process.stdout.write(
  `${tally.done} cases in ${slowest.length} targets, ${tally.refused} refused, ${Math.round(tally.cpuMs / 1000)} CPU s; ` +
    `finds: ${Object.entries(tally.finds)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ')}; ` +
    `slowest ${Math.round(tally.slowestMs)} CPU ms, peak ${tally.peakMib} MiB\n`,
);
process.exitCode = total > 0 ? 1 : 0;
