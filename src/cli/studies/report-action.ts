/**
 * The action of `lab report`.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import { reportMarkdown } from '../../studies/report.ts';
import { checkOutputFolder, writeTogether } from '../outputs.ts';
import { reportFiles, reportOf } from '../results-files.ts';
import { print } from '../terminal.ts';

export async function runReport(path: string, { force }: { readonly force?: boolean }): Promise<void> {
  const study = reportOf(path, await readJson(path));
  const files = await changedFiles(dirname(path), reportFiles(study));
  await checkOutputFolder(dirname(path), [...files.keys()], { inputs: [path], force });
  await writeTogether(dirname(path), files);
  print(reportMarkdown(study.report).trimEnd());
}

/** Those that are not in the folder as they are: a report that is there already need not be replaced by itself. */
async function changedFiles(folder: string, files: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const changed = new Map<string, string>();
  for (const [name, contents] of files) {
    const there = await readFile(join(folder, name), 'utf8').catch(() => undefined);
    if (there !== contents) changed.set(name, contents);
  }
  return changed;
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const fix = 'Name a file that "npm run lab -- experiment" has written.';
    throw new LabError('not-found', { message: `The results file ${path} cannot be read.`, fix, cause });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const fix = 'Run the experiment again: what is finished of it is not made anew.';
    throw new LabError('bad-file', { message: `The results file ${path} is not JSON.`, fix, cause });
  }
}
