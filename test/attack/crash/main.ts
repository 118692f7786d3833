/**
 * `npm run crash -- --kills N --seed S [--scenario NAME] [--page [--in-one-run N]] [--fresh]`: kills commands, or with
 * `--page` a Chromium in which the built page trains, demonstrates or judges a file, until N kills have been counted.
 * With `--in-one-run` the scoring of one file is killed N times before it may end. The counts are kept in
 * `.cache/crash`, and a command that is repeated continues.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { hashHex, Rng } from '../../../src/common/rng.ts';
import { addCounts, crash, type CrashCounts, NO_COUNTS, type Reference, referenceOf } from './crash.ts';
import { crashPage, type PageReference, pageReferenceOf, servePage } from './crash-page.ts';
import { fileKilledOften, PAGE_SCENARIOS } from './page-scenarios.ts';
import { NODE_SCENARIOS } from './scenarios.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string' },
    seed: { type: 'string', default: '1' },
    scenario: { type: 'string', default: '' },
    page: { type: 'boolean', default: false },
    'in-one-run': { type: 'string', default: '0' },
    fresh: { type: 'boolean', default: false },
  },
});
/** How often the scoring of one file is killed; 0 for rounds of up to three kills of anything. */
const inOneRun = Number(values['in-one-run']);
if (!(Number.isSafeInteger(inOneRun) && inOneRun >= 0 && (values.page || inOneRun === 0))) {
  throw new Error(`--in-one-run ${values['in-one-run']} is no whole number, or without --page.`);
}
const kills = Number(values.kills ?? (inOneRun || 20));
if (!(Number.isSafeInteger(kills) && kills > 0)) throw new Error(`--kills ${values.kills} is no whole number above 0.`);
const pageScenarios = inOneRun === 0 ? PAGE_SCENARIOS : [fileKilledOften(inOneRun)];
const isNamed = ({ name }: { readonly name: string }): boolean => name.startsWith(values.scenario);
const names = (values.page ? pageScenarios : NODE_SCENARIOS).map(({ name }) => name);
if (!names.some((name) => isNamed({ name }))) {
  throw new Error(`There is no scenario "${values.scenario}"; there are ${names.join(', ')}.`);
}
/** So many rounds in a row without a kill mean that nothing is killed at all. */
const MAX_ROUNDS_WITHOUT = 10;

interface State {
  next: number;
  readonly by: Record<string, CrashCounts>;
}
const statePath = join(
  '.cache/crash',
  `${hashHex(`${values.seed}/${values.page ? 'page/' : ''}${inOneRun === 0 ? '' : `${inOneRun}/`}${values.scenario}`)}.json`,
);
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
const say = (problem: string): void => void process.stdout.write(`${problem}\n`);

/** One round of a scenario: it is killed up to so many times, then ends. */
type Round = (times: number, rng: Rng) => Promise<CrashCounts>;
const server = values.page ? await servePage() : undefined;
const references = new Map<string, Promise<Reference>>();
const pageReferences = new Map<string, Promise<PageReference>>();

function known<T>(all: Map<string, Promise<T>>, name: string, find: () => Promise<T>): Promise<T> {
  const found = all.get(name) ?? find();
  all.set(name, found);
  return found;
}

const rounds: readonly (readonly [name: string, Round])[] =
  server === undefined
    ? NODE_SCENARIOS.filter(isNamed).map((scenario) => [
        scenario.name,
        async (times, rng) => crash(scenario, await known(references, scenario.name, () => referenceOf(scenario)), times, rng, say), // prettier-ignore
      ])
    : pageScenarios.filter(isNamed).map((scenario) => [
        `${scenario.name} in Chromium`,
        async (times, rng) => crashPage(server, scenario, await known(pageReferences, scenario.name, () => pageReferenceOf(server, scenario)), times, rng, say), // prettier-ignore
      ]);

let without = 0;
while (sum('kills') < kills) {
  const rng = new Rng(`${values.seed}/${state.next}`);
  const round = rounds[state.next % rounds.length];
  if (round === undefined) break;
  const [name, crashOnce] = round;
  const got = await crashOnce(inOneRun || 1 + rng.int(3), rng);
  const counts = (state.by[name] ??= { ...NO_COUNTS });
  addCounts(counts, got);
  state.next += 1;
  writeFileSync(statePath, JSON.stringify(state));
  without = got.kills === 0 ? without + 1 : 0;
  if (without === MAX_ROUNDS_WITHOUT) throw new Error(`${without} rounds in a row without a kill.`);
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
