/**
 * Instructions as commands read them: JSON or text as `lab piar` writes them, with the lexicon in a separate file.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Option } from 'commander';
import { LabError } from '../common/errors.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { instructionOf, lexiconOf, rulesForFile } from '../runs/rules-files.ts';
import type { FileData } from '../protocol/sft-experiment.ts';
import { parseTask, type TaskFile } from '../protocol/task-file.ts';
import type { Instruction } from '../relevance/rules/instruction.ts';
import { type Lexicon, makeLexicon } from '../relevance/pair/lexicon.ts';
import { currentFolding } from '../relevance/pair/text-folding.ts';
import { isErrno, systemError } from './system-errors.ts';
import { note } from './terminal.ts';

/** The file name of a lexicon that `lab piar` writes. */
export const LEXICON_FILE = 'lexicon.json';

/** `--rules FILE` */
export function rulesOption(): Option {
  return new Option(
    '--rules <file>',
    'an instruction (.json or .txt) that gives reasons for the labels of --data; with lexicon.json beside it',
  );
}

/**
 * An instruction as JSON or text, distinguished by its first character.
 *
 * @throws {LabError} `not-found`, `bad-instruction`
 */
export async function readInstructionFile(path: string): Promise<Instruction> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile() !== true) {
    throw new LabError('not-found', {
      message: stats === undefined ? `There is no instruction ${path}.` : `The instruction ${path} is not a file.`,
      expected: 'a .json or .txt file as "lab piar" writes it',
      fix: 'Check the path.',
    });
  }
  return instructionOf({ name: path, text: await readFile(path, 'utf8') });
}

/**
 * The settings of a file with its rules.
 *
 * @throws {LabError} `not-found`; `bad-instruction` naming the rule; `bad-config` for rules of another scale
 */
export async function withRules(data: FileData, path: string, scaleSize: number, dataSet: DataSet): Promise<FileData> {
  const instruction = await readInstructionFile(path);
  const lexicon = await readLexicon(join(dirname(path), LEXICON_FILE));
  if (lexicon === undefined) {
    note(`There is no ${LEXICON_FILE} beside ${basename(path)}: its words are taken from the training documents.`);
  }
  return { ...data, rules: rulesForFile(instruction, lexicon, data, scaleSize, dataSet).rules };
}

/** `--task FILE` */
export function taskOption(): Option {
  return new Option(
    '--task <file>',
    'an own task as JSON: labels, meanings of grades, prompt and rules in one file (docs/examples/task.json)',
  );
}

/** @throws {LabError} `not-found`; `bad-config` naming the field */
export async function readTaskFile(path: string): Promise<TaskFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw systemError(error, `read the task ${path}`);
  }
  return parseTask(path, text);
}

/** The error for a task without pairs, or beside rules. @param given - the pairs, if there are any */
export function misplacedTask(given: unknown): LabError {
  return given === undefined
    ? new LabError('bad-config', {
        message: '--task requires a file of judged pairs.',
        fix: 'Name the judged pairs with --data too.',
      })
    : new LabError('bad-config', {
        message: '--task and --rules both name rules.',
        fix: 'Put the rules into the task, or give the other settings of the task as options.',
      });
}

/** The settings of a file with the rules of a task, if it has any. @throws {LabError} as {@link withRules} */
export function withTaskRules(
  data: FileData,
  { rules, lexicon }: TaskFile,
  scaleSize: number,
  dataSet: DataSet,
): FileData {
  if (rules === undefined) return data;
  const words = lexicon === undefined ? undefined : makeLexicon(lexicon, currentFolding());
  return { ...data, rules: rulesForFile(rules, words, data, scaleSize, dataSet).rules };
}

/** Undefined where there is none. */
export async function readLexicon(path: string): Promise<Lexicon | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw systemError(error, `read ${path}`);
  });
  return text === undefined ? undefined : lexiconOf({ name: path, text });
}
