/**
 * Instructions as commands take them: JSON or text as `lab piar` writes them, and the words that they know beside them.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Option } from 'commander';
import { parseConfig } from '../config/parse.ts';
import type { DataSet } from '../data/data-set.ts';
import { LabError } from '../common/errors.ts';
import { checkScale, makeOwnRules, splitFile } from '../experiment/file-data.ts';
import type { FileData } from '../protocol/sft-experiment.ts';
import { readInstruction } from '../relevance/instruction-text.ts';
import { type Instruction, instructionFromJson } from '../relevance/instruction.ts';
import { type Lexicon, lexiconSchema, makeLexicon } from '../relevance/lexicon.ts';
import type { OwnRules } from '../relevance/own-rules.ts';
import type { JudgedPair } from '../relevance/pair.ts';
import { induceLexicon } from '../relevance/typed-document.ts';
import { note } from './terminal.ts';

/** Where `lab piar` writes the words of an instruction. */
const LEXICON_FILE = 'lexicon.json';

/** `--rules FILE` */
export function rulesOption(): Option {
  return new Option(
    '--rules <file>',
    'an instruction (.json or .txt) that gives the reasons for labels of --data; its words are in lexicon.json beside it',
  );
}

/** An instruction as JSON or as text, told by its first character. @throws {LabError} `not-found`, `bad-instruction` */
export async function readInstructionFile(path: string): Promise<Instruction> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile() !== true) throw new LabError('not-found', { message: `There is no instruction ${path}.` });
  const text = await readFile(path, 'utf8');
  return text.trimStart().startsWith('{') ? instructionFromJson(text) : readInstruction(text);
}

/**
 * The settings of a file with rules beside it.
 *
 * @throws {LabError} `not-found`; `bad-instruction` naming the rule; `bad-config` for rules of another scale
 */
export async function withRules(data: FileData, path: string, scaleSize: number, dataSet: DataSet): Promise<FileData> {
  const instruction = await readInstructionFile(path);
  checkScale(instruction, scaleSize);
  const { train } = splitFile(data, scaleSize, dataSet);
  return { ...data, rules: await ownRules(instruction, path, train) };
}

async function ownRules(instruction: Instruction, path: string, train: readonly JudgedPair[]): Promise<OwnRules> {
  const lexicon = await readLexicon(join(dirname(path), LEXICON_FILE));
  if (lexicon !== undefined) return makeOwnRules(instruction, lexicon, train);
  note(`There is no ${LEXICON_FILE} beside ${basename(path)}: its words are taken from the documents to learn from.`);
  const documents = new Map(train.map(({ document }) => [document.docId, document]));
  return makeOwnRules(instruction, induceLexicon(documents.values()), train);
}

/** Undefined where there is none. */
async function readLexicon(path: string): Promise<Lexicon | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : makeLexicon(parseConfig(path, lexiconSchema, parseJson(text)));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // the schema says what was expected
  }
}
