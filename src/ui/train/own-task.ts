/** An own task in one file (protocol/task-file.ts), as the settings and the files of rules that it stands for. */
import { leafAt, typedSetting, type SettingValue } from '../../config/setting-values.ts';
import { isTask, parseTask, type TaskFile } from '../../protocol/task-file.ts';
import type { SettingsDraft } from '../parts/forms/settings-draft.ts';
import { SFT_FORM } from './sft-draft.ts';

/** What the files that were chosen as own rules come to. */
export interface TakenRules {
  /** With the settings of the task, where one was chosen. */
  readonly draft: SettingsDraft;
  /** Of the rules; none where a task has no rules. */
  readonly files: readonly File[];
  /** Why a task cannot be read; its settings are then not taken. */
  readonly problem: Error | undefined;
}

/** The files of rules, and the settings of a task if one of them is one. */
export async function takenRules(draft: SettingsDraft, files: readonly File[]): Promise<TakenRules> {
  for (const file of files) {
    const text = await file.text();
    if (!isTask(text)) continue;
    try {
      const task = parseTask(file.name, text);
      return { draft: withTask(draft, task), files: ruleFiles(file.name, task), problem: undefined };
    } catch (thrown) {
      const problem = thrown instanceof Error ? thrown : new Error(String(thrown));
      return { draft, files, problem };
    }
  }
  return { draft, files, problem: undefined };
}

/** The draft with labels, grades and prompt of a task; what the task leaves out stays. */
export function withTask(draft: SettingsDraft, { labels, grades, prompt }: TaskFile): SettingsDraft {
  const settings = {
    data: { labels: labels.join(', '), grades },
    prompt: { ...prompt, scaleSize: labels.length },
  };
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
