/**
 * One command, killed by SIGKILL at one of its writes, once or more often, and then finished. Counts what must never
 * happen.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { Rng } from '../../../src/common/rng.ts';
import { problemOf, type Scenario } from './scenarios.ts';

/** What was counted. */
export interface CrashCounts {
  kills: number;
  /** Commands that ended with other results than a command that was never killed. */
  unequal: number;
  /** Files with their final names that are half written, or that do not belong together. */
  halfFiles: number;
  destroyedInputs: number;
  /** Claims that block a command, or stay behind. */
  staleClaims: number;
  /** Commands that could not be continued. */
  stuck: number;
}

export const NO_COUNTS: CrashCounts = {
  kills: 0,
  unequal: 0,
  halfFiles: 0,
  destroyedInputs: 0,
  staleClaims: 0,
  stuck: 0,
};

/** Adds counts to others, in place. */
export function addCounts(sum: CrashCounts, more: CrashCounts): void {
  for (const key of Object.keys(more) as (keyof CrashCounts)[]) sum[key] += more[key];
}

/** What a command does if nothing kills it. */
export interface Reference {
  readonly writes: number;
  readonly results: readonly unknown[];
}

interface Kill {
  readonly at: number;
  readonly how: 'before' | 'torn' | 'after';
  readonly delayMs: number;
}

const TRIGGER = fileURLToPath(new URL('trigger.ts', import.meta.url));
/** A process that is neither done nor killed by then hangs; far above what any of these commands takes. */
const HANG_MS = 300_000;

interface Ended {
  readonly code: number | null;
  readonly err: string;
}

function run(args: readonly string[], kill?: Kill, countPath?: string): Promise<Ended> {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...(countPath === undefined ? {} : { CRASH_COUNT: countPath }),
    ...(kill === undefined ? {} : { CRASH_AT: `${kill.at}`, CRASH_HOW: kill.how, CRASH_DELAY_MS: `${kill.delayMs}` }),
  };
  const flags = ['--import', import.meta.resolve('tsx'), '--import', TRIGGER];
  const child = spawn(process.execPath, [...flags, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: HANG_MS, killSignal: 'SIGTERM' }); // prettier-ignore
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += String(chunk)));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, err })));
}

function emptyFolder(): string {
  return mkdtempSync(join(tmpdir(), 'lab-crash-'));
}

function resultsOf({ results, compare = (_name, bytes) => hashOf(bytes) }: Scenario, folder: string): unknown[] {
  return results.map((name) => {
    const path = join(folder, name);
    return existsSync(path) ? compare(name, readFileSync(path)) : `no ${name}`;
  });
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Runs a command to its end, for the results and for how many writes there are. */
export async function referenceOf(scenario: Scenario): Promise<Reference> {
  const folder = emptyFolder();
  try {
    scenario.prepare(folder);
    const countPath = join(folder, 'count');
    const { code, err } = await run(scenario.command(folder, false), undefined, countPath);
    if (code !== 0) throw new Error(`${scenario.name} fails by itself with ${code}:\n${err.slice(-2000)}`);
    return { writes: Number(readFileSync(countPath, 'utf8')), results: resultsOf(scenario, folder) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Kills a command `times` times on its way, then lets it end. @param say - hears what went wrong */
export async function crash(
  scenario: Scenario,
  reference: Reference,
  times: number,
  rng: Rng,
  say: (problem: string) => void,
): Promise<CrashCounts> {
  const counts = { ...NO_COUNTS };
  const folder = emptyFolder();
  try {
    scenario.prepare(folder);
    const inputs = (): string[] => scenario.inputs.map((name) => hashOf(readFileSync(join(folder, name))));
    const before = inputs();
    let ended: Ended | undefined;
    for (let made = 0; made < times && ended?.code !== 0; made++) {
      const kill: Kill = {
        at: 1 + rng.int(reference.writes),
        how: rng.pick(['before', 'torn', 'after'] as const),
        // The first kill comes at once, because a late one may find the command done.
        delayMs: made === 0 || rng.chance(0.5) ? 0 : rng.int(200),
      };
      ended = await run(scenario.command(folder, made > 0), kill);
      const what = `${scenario.name}, ${kill.how} write ${kill.at} of ${reference.writes}, ${kill.delayMs} ms`;
      if (ended.code === null) counts.kills += 1;
      else if (ended.code !== 0) say(`${what}: ended with ${ended.code}: ${ended.err.slice(-500)}`);
      for (const path of filesIn(folder)) {
        const problem = path.endsWith('.part') ? undefined : problemOf(path, folder);
        if (problem === undefined) continue;
        counts.halfFiles += 1;
        say(`${what}: ${problem}`);
      }
    }
    if (ended?.code !== 0) ended = await run(scenario.command(folder, true));
    if (ended.code === 3) counts.staleClaims += 1;
    if (ended.code !== 0) {
      counts.stuck += 1;
      say(`${scenario.name}: cannot be continued (${ended.code}): ${ended.err.slice(-800)}`);
    } else if (!isDeepStrictEqual(resultsOf(scenario, folder), reference.results)) {
      counts.unequal += 1;
      say(`${scenario.name}: other results: ${JSON.stringify(resultsOf(scenario, folder)).slice(0, 500)}`);
    }
    if (!isDeepStrictEqual(inputs(), before)) counts.destroyedInputs += 1;
    const claims = filesIn(folder).filter((path) => path.endsWith('/claim'));
    counts.staleClaims += claims.length;
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
