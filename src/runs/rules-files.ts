/**
 * The user's own rules, read from files: an instruction, as JSON or as `lab piar` prints it, and its lexicon. Without a
 * lexicon file, the lexicon is built from the training documents only.
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

/** The user's rules, and what they explain of the training pairs. */
export interface RulesForFile {
  readonly rules: OwnRules;
  readonly traces: SynthesisCounts | undefined;
}

/** An instruction as JSON or as text, distinguished by its first character. @throws {LabError} `bad-instruction` */
export function instructionOf({ text }: NamedText): Instruction {
  return text.trimStart().startsWith('{') ? instructionFromJson(text) : readInstruction(text);
}

/** The lexicon in a `lexicon.json`. @throws {LabError} `bad-config` */
export function lexiconOf({ name, text }: NamedText): Lexicon {
  return makeLexicon(parseConfig(name, lexiconSchema, parseJson(text)), currentFolding());
}

/** Which of two files is the instruction, and which the lexicon. @throws {LabError} `bad-file` if neither is one */
export function identifyRuleFiles(files: readonly NamedText[]): {
  readonly instruction: NamedText;
  readonly lexicon: NamedText | undefined;
} {
  const isLexicon = ({ text }: NamedText): boolean => lexiconSchemaFits(parseJson(text));
  const [lexicon, instruction] = [files.find(isLexicon), files.find((file) => !isLexicon(file))];
  if (instruction !== undefined && (files.length === 1 || lexicon !== undefined)) return { instruction, lexicon };
  throw new LabError('bad-file', {
    message: 'These files contain no readable instruction.',
    expected: 'an instruction (.json or .txt), optionally with lexicon.json',
    got: files.map(({ name }) => name).join(' and '),
    fix: 'Choose the files that "lab piar" has written: instruction.json or instruction.txt, with lexicon.json.',
  });
}

/**
 * Rules for the pairs of a file, with their tail rules.
 *
 * @param lexicon - undefined to build it from the training documents
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
    return undefined; // the schema reports what was expected
  }
}
