/**
 * The runs of a sweep: every combination of the given values of settings, with every seed.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { checkSweep, combinations, settingLabel, type SweptSetting } from '../../config/swept-settings.ts';
import type { RunKind } from '../../protocol/tracked-run.ts';

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

/**
 * All runs, grouped by seed, so that an interrupted sweep can be compared.
 *
 * @throws {LabError} `bad-config` if there are too many
 */
export function plannedRuns({ kind, set, seeds, others }: SweepPlan, root: string): PlannedRun[] {
  checkSweep(set, seeds);
  return seeds.flatMap((seed) => {
    return combinations(set).map((values): PlannedRun => {
      const labels = values.map(([path, value]) => settingLabel(path, value));
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

/**
 * A folder name for a label; characters that file systems may reject are replaced, and a hash keeps labels distinct.
 */
function folderName(label: string): string {
  const plain = label.replaceAll(' ', '-');
  if (/^[A-Za-z0-9.+-]{1,40}$/u.test(plain)) return plain; // no underscore, which separates labels
  const safe = plain.replaceAll(/[^A-Za-z0-9.+-]+/gu, '-').slice(0, 30);
  return `${safe}-${createHash('sha256').update(label).digest('hex').slice(0, 8)}`;
}
