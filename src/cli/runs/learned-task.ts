/**
 * What a run takes over from the model that it begins with: the split of its judged pairs, and the task that it has
 * learned, which an own task in one file must agree with.
 */
import { isDeepStrictEqual } from 'node:util';
import { LabError } from '../../common/errors.ts';
import type { DataSet } from '../../data/files/data-set.ts';
import type { TaskFile } from '../../protocol/task-file.ts';
import type { RawSettings } from '../config-file.ts';
import { misplacedTask, readTaskFile } from '../instruction-files.ts';
import type { describeModel } from '../model-folder.ts';

/** The description of a model, which needs no backend. */
export type DescribedModel = ReturnType<typeof describeModel>;

/** The options that name a task and its pairs. */
interface TaskOptions {
  readonly data?: readonly string[];
  readonly rules?: string;
  readonly task?: string;
  readonly grade?: string | undefined;
}

/**
 * The task of the options, whose labels and prompt are those that the model has learned.
 *
 * @param fix - what to do where they are not
 * @throws {LabError} `bad-config` naming what differs, or where it does not belong
 */
export async function taskOf(
  { task, rules, data }: TaskOptions,
  { lab, card }: DescribedModel,
  fix: string,
): Promise<TaskFile | undefined> {
  if (task === undefined) return undefined;
  if (rules !== undefined || data === undefined) throw misplacedTask(data);
  const own = await readTaskFile(task);
  const learned: Readonly<Record<string, unknown>> = { ...lab.prompt, labels: lab.scale.names };
  const asked = Object.entries({ labels: own.labels, ...own.prompt });
  const [name, value] = asked.find(([key, wanted]) => !isDeepStrictEqual(wanted, learned[key])) ?? [];
  if (name === undefined) return own;
  throw new LabError('bad-config', {
    message: `${card.name} has learned another task than ${task}: and not the same ${name}.`,
    expected: JSON.stringify(learned[name]),
    got: JSON.stringify(value),
    fix,
  });
}

/** What grades mean by the options, or by a task; undefined where neither says. */
export function gradesOf({ grade }: TaskOptions, task: TaskFile | undefined): string | undefined {
  return grade ?? (task?.grades === '' ? undefined : task?.grades);
}

/** The names of a file in the settings of a run. */
export function namesOf({ name, sha256 }: DataSet): RawSettings {
  return { kind: 'file', name, sha256 };
}

/** The split in the training of a model, so that its held-out pairs stay held out. */
export function splitOf({ card }: DescribedModel): RawSettings {
  const { split, grades } = card.data;
  if (split === undefined) return {};
  return { devShare: split.devShare, testShare: split.testShare, splitSeed: split.seed, grades };
}
