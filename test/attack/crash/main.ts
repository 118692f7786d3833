/**
 * `npm run crash -- --kills N --seed S [--scenario NAME | --page] [--fresh]`: kills commands, or with
 * `--page` a Chromium that trains in the built page, until N kills have been counted. The counts are
 * kept in `.cache/crash`, and a command that is repeated continues.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { hashHex, Rng } from '../../../src/common/rng.ts';
import { crash, type CrashCounts, NO_COUNTS, type Reference, referenceOf } from './crash.ts';
import { crashPage, referenceHash, servePage } from './crash-page.ts';
import { NODE_SCENARIOS } from './scenarios.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    scenario: { type: 'string', default: '' },
    page: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
  },
});
const kills = Number(values.kills);
if (!(Number.isSafeInteger(kills) && kills > 0)) throw new Error(`--kills ${values.kills} is no whole number above 0.`);
const scenarios = NODE_SCENARIOS.filter(({ name }) => name.startsWith(values.scenario));
if (scenarios.length === 0) {
  throw new Error(
    `There is no scenario "${values.scenario}"; there are ${NODE_SCENARIOS.map(({ name }) => name).join(', ')}.`,
  );
}

interface State {
  next: number;
  readonly by: Record<string, CrashCounts>;
}
const statePath = join('.cache/crash', `${hashHex(`${values.seed}/${values.page ? 'page' : values.scenario}`)}.json`);
mkdirSync('.cache/crash', { recursive: true });

function loadState(): State {
  try {
    if (!values.fresh) return JSON.parse(readFileSync(statePath, 'utf8')) as State;
  } catch {
    // It is the first time.
  }
  return { next: 0, by: {} };
}

const state = loadState();
const sum = (pick: keyof CrashCounts): number => Object.values(state.by).reduce((all, counts) => all + counts[pick], 0);
const references = new Map<string, Reference>();
const say = (problem: string): void => void process.stdout.write(`${problem}\n`);
const server = values.page ? await servePage() : undefined;
const hash = server && (await referenceHash(server));
while (sum('kills') < kills) {
  const rng = new Rng(`${values.seed}/${state.next}`);
  const scenario = scenarios[state.next % scenarios.length];
  if (scenario === undefined) break;
  const times = 1 + rng.int(3);
  const crashCommand = async (): Promise<CrashCounts> => {
    const reference = references.get(scenario.name) ?? (await referenceOf(scenario));
    references.set(scenario.name, reference);
    return crash(scenario, reference, times, rng, say);
  };
  const got = server && hash !== undefined ? await crashPage(server, hash, times, rng, say) : await crashCommand();
  const counts = (state.by[server ? 'Train in Chromium' : scenario.name] ??= { ...NO_COUNTS });
  for (const key of Object.keys(got) as (keyof CrashCounts)[]) counts[key] += got[key];
  state.next += 1;
  writeFileSync(statePath, JSON.stringify(state));
}
for (const [name, counts] of [
  ...Object.entries(state.by),
  ['in all', Object.fromEntries(Object.keys(NO_COUNTS).map((key) => [key, sum(key as keyof CrashCounts)]))] as const,
]) {
  process.stdout.write(
    `${name}: ${Object.entries(counts)
      .map(([what, count]) => `${what} ${count}`)
      .join(', ')}\n`,
  );
}
await server?.close();
process.exitCode = Object.keys(NO_COUNTS).some((key) => key !== 'kills' && sum(key as keyof CrashCounts) > 0) ? 1 : 0;
