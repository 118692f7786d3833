/** Converts a task file (protocol/task-file.ts) to settings of the form and files of rules. */
import { leafAt, typedSetting, type SettingValue } from '../../config/setting-values.ts';
import { isTask, parseTask, settingsOfTask, type TaskFile } from '../../protocol/task-file.ts';
import type { SettingsDraft } from '../parts/forms/settings-draft.ts';
import { SFT_FORM } from './sft-draft.ts';

/** What the files that were chosen as own rules come to. */
export interface TakenRules {
  /** Undefined where none of them is a task. */
  readonly task: TaskFile | undefined;
  /** Of the rules; none where a task has no rules, or cannot be read. */
  readonly files: readonly File[];
  /** Why a file cannot be read. */
  readonly problem: Error | undefined;
}

/** The files of rules, and the task if one of them is one. */
export async function takenRules(files: readonly File[]): Promise<TakenRules> {
  try {
    for (const file of files) {
      const text = await file.text();
      if (!isTask(text)) continue;
      const task = parseTask(file.name, text);
      return { task, files: ruleFiles(file.name, task), problem: undefined };
    }
    return { task: undefined, files, problem: undefined };
  } catch (thrown) {
    const problem = thrown instanceof Error ? thrown : new Error(String(thrown));
    return { task: undefined, files: [], problem };
  }
}

/** The draft with labels, grades and prompt of a task; what the task leaves out stays. */
export function withTask(draft: SettingsDraft, task: TaskFile): SettingsDraft {
  const settings = settingsOfTask(task);
  const taken = new Map(draft);
  for (const { path, kind } of SFT_FORM.fields) {
    const value = leafAt(settings, path) as SettingValue | undefined;
    if (value === undefined) continue;
    taken.set(path, kind === 'toggle' ? value === true : typeof value === 'string' ? value : typedSetting(value));
  }
  return taken;
}

/** The rules of a task in files as "lab piar" writes them. */
function ruleFiles(name: string, { rules, lexicon }: TaskFile): File[] {
  if (rules === undefined) return [];
  const file = (fileName: string, value: object): File => new File([JSON.stringify(value)], fileName);
  return [file(name, rules), ...(lexicon === undefined ? [] : [file('lexicon.json', lexicon)])];
}
