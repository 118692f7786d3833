/**
 * Sweeps as they are typed: settings with several values, and seeds.
 */
import { LabError } from '../common/errors.ts';

/** A setting with its values, as written. */
export interface SweptSetting {
  readonly path: string;
  readonly values: readonly string[];
}

/** A limit, because more runs are probably a mistake. */
const MOST_RUNS = 1000;

/** `path=a,b,c`; commas within brackets, braces and quotes belong to a value. @throws {LabError} `bad-config` */
export function parseSweptSetting(text: string): SweptSetting {
  const at = text.indexOf('=');
  const path = text.slice(0, Math.max(at, 0)).trim();
  const values = splitValues(text.slice(at + 1));
  if (path !== '' && values.every((value) => value !== '') && new Set(values).size === values.length) {
    return { path, values };
  }
  throw new LabError('bad-config', {
    message: 'A setting of a sweep cannot be read.',
    expected: 'path=value,value,..., each value once',
    got: text,
    fix: 'For example grpo.balance.lambda=0,0.3,1.',
  });
}

/** `1-5`, `1,3,7` or both. @throws {LabError} `bad-config` */
export function parseSeeds(text: string): number[] {
  const seeds = text.split(',').flatMap((part) => {
    const [, first = '', last = first] = /^\s*(\d{1,9})(?:\s*-\s*(\d{1,9}))?\s*$/u.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === '' || to < from || to - from >= MOST_RUNS) return [];
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  const isWhole = text.split(',').every((part) => /^\s*\d{1,9}(?:\s*-\s*\d{1,9})?\s*$/u.test(part));
  if (isWhole && seeds.length > 0 && new Set(seeds).size === seeds.length) return seeds;
  throw new LabError('bad-config', {
    message: 'The seeds cannot be read.',
    expected: 'whole numbers and ranges, each seed once',
    got: text,
    fix: 'For example --seeds 1-5 or --seeds 1,2,7.',
  });
}

/** @throws {LabError} `bad-config` if a setting is swept twice, or there are too many runs */
export function checkSweep(set: readonly SweptSetting[], seeds: readonly number[]): void {
  const again = set.find(({ path }, i) => set.findIndex((other) => other.path === path) < i);
  if (again !== undefined) {
    throw new LabError('bad-config', {
      message: `The sweep has ${again.path} twice.`,
      expected: 'each setting once',
      fix: 'Give all its values in one place, separated by commas.',
    });
  }
  const total = set.reduce((product, { values }) => product * values.length, seeds.length);
  if (total <= MOST_RUNS) return;
  throw new LabError('bad-config', {
    message: 'The sweep has too many runs.',
    expected: `at most ${MOST_RUNS}`,
    got: String(total),
    fix: 'Give fewer values or seeds.',
  });
}

/** A setting with a value, by the last part of its path: `lambda 0.3`. */
export function settingLabel(path: string, value: string): string {
  return `${path.split('.').at(-1) ?? path} ${value}`;
}

/** Every combination of the values, each as the settings with one value. */
export function combinations(set: readonly SweptSetting[]): (readonly [path: string, value: string])[][] {
  return set.reduce<(readonly [string, string])[][]>(
    (made, { path, values }) => made.flatMap((before) => values.map((value) => [...before, [path, value] as const])),
    [[]],
  );
}

function splitValues(text: string): string[] {
  const values: string[] = [];
  let [depth, isQuoted, from] = [0, false, 0];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    else if (character === ',' && depth === 0) {
      values.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  return [...values, text.slice(from).trim()];
}
