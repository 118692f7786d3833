/**
 * The runs of a sweep: every combination of the given values of settings, with every seed.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import type { RunKind } from '../../runs/run-summary.ts';

/** A setting with its values, as written. */
export interface SweptSetting {
  readonly path: string;
  readonly values: readonly string[];
}

/** The definition of a sweep. */
export interface SweepPlan {
  readonly kind: RunKind;
  readonly set: readonly SweptSetting[];
  readonly seeds: readonly number[];
  /** Options of the command for all runs. */
  readonly others: readonly string[];
}

/** One run of a sweep. */
export interface PlannedRun {
  /** For example `lambda 0.3, seed 2`. */
  readonly name: string;
  readonly out: string;
  /** The command with its options; without `--resume`. */
  readonly args: readonly string[];
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

/**
 * All runs, grouped by seed, so that an interrupted sweep can be compared.
 *
 * @throws {LabError} `bad-config` if there are too many
 */
export function plannedRuns({ kind, set, seeds, others }: SweepPlan, root: string): PlannedRun[] {
  const total = set.reduce((product, { values }) => product * values.length, seeds.length);
  if (total > MOST_RUNS) {
    throw new LabError('bad-config', {
      message: 'The sweep has too many runs.',
      expected: `at most ${MOST_RUNS}`,
      got: String(total),
      fix: 'Give fewer values or seeds.',
    });
  }
  return seeds.flatMap((seed) => {
    return combinations(set).map((values): PlannedRun => {
      const labels = values.map(([path, value]) => `${path.split('.').at(-1) ?? path} ${value}`);
      const folder = [...labels.map(folderName), `seed-${seed}`].join('_');
      const out = join(root, folder);
      const settings = values.flatMap(([path, value]) => ['--set', `${path}=${value}`]);
      return {
        name: [...labels, `seed ${seed}`].join(', '),
        out,
        args: [kind, '--out', out, ...others, ...settings, '--seed', String(seed)],
      };
    });
  });
}

function combinations(set: readonly SweptSetting[]): (readonly [path: string, value: string])[][] {
  return set.reduce<(readonly [string, string])[][]>(
    (made, { path, values }) => made.flatMap((before) => values.map((value) => [...before, [path, value] as const])),
    [[]],
  );
}

/**
 * A folder name for a label; characters that file systems may reject are replaced, and a hash keeps labels distinct.
 */
function folderName(label: string): string {
  const plain = label.replaceAll(' ', '-');
  if (/^[A-Za-z0-9.+-]{1,40}$/u.test(plain)) return plain; // no underscore, which separates labels
  const safe = plain.replaceAll(/[^A-Za-z0-9.+-]+/gu, '-').slice(0, 30);
  return `${safe}-${createHash('sha256').update(label).digest('hex').slice(0, 8)}`;
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
