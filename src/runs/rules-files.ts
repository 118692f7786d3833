/**
 * Own rules from the texts that hold them: an instruction, as JSON or as `lab piar` prints it, and the words that it knows.
 * Where no file says which words those are, they are taken from the documents to learn from, and from no others.
 */
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { distinctDocuments } from '../data/files/content-id.ts';
import type { DataSet } from '../data/files/data-set.ts';
import type { FileData } from '../protocol/sft-experiment.ts';
import { type Instruction, instructionFromJson } from '../relevance/rules/instruction.ts';
import { readInstruction } from '../relevance/rules/instruction-text.ts';
import { type Lexicon, lexiconSchema, makeLexicon } from '../relevance/pair/lexicon.ts';
import { type OwnRules, rulesOf } from '../relevance/rules/own-rules.ts';
import type { SynthesisCounts } from '../relevance/rules/trace-synthesis.ts';
import { induceLexicon } from '../relevance/rules/typed-document.ts';
import { currentFolding } from '../relevance/pair/text-folding.ts';
import { checkScale, expertsOf, makeOwnRules, splitFile } from './file-data.ts';

/** A text with the name of its file. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** Own rules, and what they make of the pairs to learn from. */
export interface RulesForFile {
  readonly rules: OwnRules;
  readonly traces: SynthesisCounts | undefined;
}

/** An instruction as JSON or as text, told by its first character. @throws {LabError} `bad-instruction` */
export function instructionOf({ text }: NamedText): Instruction {
  return text.trimStart().startsWith('{') ? instructionFromJson(text) : readInstruction(text);
}

/** The words of a `lexicon.json`. @throws {LabError} `bad-config` */
export function lexiconOf({ name, text }: NamedText): Lexicon {
  return makeLexicon(parseConfig(name, lexiconSchema, parseJson(text)), currentFolding());
}

/** Which of two files is the instruction, and which its words. @throws {LabError} `bad-file` if neither is an instruction */
export function tellRulesApart(files: readonly NamedText[]): {
  readonly instruction: NamedText;
  readonly lexicon: NamedText | undefined;
} {
  const isLexicon = ({ text }: NamedText): boolean => lexiconSchemaFits(parseJson(text));
  const [lexicon, instruction] = [files.find(isLexicon), files.find((file) => !isLexicon(file))];
  if (instruction !== undefined && (files.length === 1 || lexicon !== undefined)) return { instruction, lexicon };
  throw new LabError('bad-file', {
    message: 'No instruction can be read from these files.',
    expected: 'an instruction (.json or .txt), and beside it lexicon.json if there is one',
    got: files.map(({ name }) => name).join(' and '),
    fix: 'Choose what "lab piar" has written: instruction.json or instruction.txt, with lexicon.json.',
  });
}

/**
 * Rules for the pairs of a file, with those of its tail named.
 *
 * @param lexicon - undefined to take the words from the documents to learn from
 * @throws {LabError} `bad-config` for rules of another scale; what `splitFile` throws
 */
export function rulesForFile(
  instruction: Instruction,
  lexicon: Lexicon | undefined,
  data: FileData,
  scaleSize: number,
  dataSet: DataSet,
): RulesForFile {
  checkScale(instruction, scaleSize);
  const { train } = splitFile(data, scaleSize, dataSet);
  const documents = distinctDocuments(train.map(({ document }) => document));
  const rules = makeOwnRules(instruction, lexicon ?? induceLexicon(documents), train);
  return { rules, traces: expertsOf(rulesOf(rules, currentFolding()), train).counts };
}

function lexiconSchemaFits(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(lexiconSchema.entries).every((key) => key in value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // the schema says what was expected
  }
}
