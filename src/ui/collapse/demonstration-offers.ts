/**
 * Offers to continue demonstrations that were cut short by a reload, a closed tab or a crash. Each branch is stored as
 * a run; branches of one demonstration share its id.
 */
import * as v from 'valibot';
import type { CheckpointOverview, UnfinishedRun } from '../../protocol/checkpoints.ts';
import { BRANCH_KIND, type BranchRecord, BranchRecordSchema, type GrpoRequest } from '../../protocol/grpo.ts';
import { renameOldKeys } from '../../protocol/renamed-keys.ts';
import { formatCount, formatTime } from '../parts/format.ts';

/** An unfinished branch. */
interface LeftBranch {
  readonly run: UnfinishedRun;
  readonly record: BranchRecord;
}

/** The request to the worker, without what the page adds. */
export type KeptDemonstration = Omit<GrpoRequest, 'backend' | 'isVisible'>;

/** How to proceed with a demonstration that was cut short. */
export interface DemonstrationOffer {
  readonly demonstration: string;
  readonly heading: string;
  readonly text: string;
  /** `wait` while another tab runs it. */
  readonly way: 'go-on' | 'wait';
  readonly runIds: readonly string[];
  readonly request: KeptDemonstration;
}

/** The offers, the most recently begun first. */
export function demonstrationOffers({ runs }: Pick<CheckpointOverview, 'runs'>): DemonstrationOffer[] {
  const byDemonstration = new Map<string, LeftBranch[]>();
  for (const run of runs) {
    const record = recordOf(run);
    if (record === undefined) continue;
    const left = byDemonstration.get(record.demonstration) ?? [];
    left.push({ run, record });
    byDemonstration.set(record.demonstration, left);
  }
  return [...byDemonstration].map(([demonstration, branches]) => offerOf(demonstration, branches));
}

/** Undefined for a run of another kind, or one that this version cannot read. */
function recordOf({ kind, configJson }: UnfinishedRun): BranchRecord | undefined {
  if (kind !== BRANCH_KIND) return undefined;
  const read = v.safeParse(
    v.pipe(v.string(), v.parseJson(), v.transform(renameOldKeys), BranchRecordSchema),
    configJson,
  );
  return read.success ? read.output : undefined;
}

function offerOf(demonstration: string, left: readonly LeftBranch[]): DemonstrationOffer {
  const branches = left.toSorted((a, b) => a.record.branch - b.record.branch);
  const begun = formatTime(Math.min(...branches.map(({ run }) => run.startedAt)));
  const names = branches.map(({ record }) => record.name).join(', ');
  const isAlive = branches.some(({ run }) => run.state === 'alive');
  const isDoubtful = branches.some(({ run }) => run.state === 'unknown');
  const kept = branches.map(({ run }) => run.lastCheckpoint?.step ?? 0);
  const doubt = isDoubtful ? ' This browser cannot tell whether another tab is still running it.' : '';
  return {
    demonstration,
    way: isAlive ? 'wait' : 'go-on',
    heading: isAlive
      ? 'A demonstration is running in another tab'
      : `A demonstration stopped; it is kept up to step ${formatCount(Math.min(...kept))}`,
    text: isAlive
      ? `${names}, started ${begun}. It can be controlled there.`
      : `${names}, started ${begun}. Each branch continues from its last checkpoint exactly as if it had never stopped.${doubt}`,
    runIds: branches.map(({ run }) => run.id),
    request: requestOf(demonstration, branches),
  };
}

function requestOf(demonstration: string, branches: readonly LeftBranch[]): KeptDemonstration {
  /** Branches are renumbered, because some may have been discarded. */
  const numbers = new Map(branches.map(({ record }, number) => [record.branch, number]));
  return {
    modelUrl: branches[0]?.record.modelUrl ?? '',
    demonstration,
    branches: branches.map(({ run, record: { name, experiment, parent, coefficient, moves } }) => {
      const number = parent === null ? undefined : numbers.get(parent.branch);
      return {
        name,
        experiment,
        kept: {
          runId: run.id,
          checkpointId: run.lastCheckpoint?.id ?? null,
          parent: parent === null || number === undefined ? null : { branch: number, step: parent.step },
          coefficient,
          moves,
        },
      };
    }),
  };
}
