/**
 * An instruction as text that people can read, edit and load again. Printing and reading are inverse to each other, and
 * an error names its line.
 *
 *     instruction "Product search", version 0, 4 labels
 *     rule brand-other (brand): when brand is other or absent, at most 1
 *       Another brand than asked for.
 *
 * Free texts within a line are JSON strings. (Language models read `instructionToText` instead.)
 */
import { LabError } from '../../common/errors.ts';
import { type Condition, type Instruction, parseInstruction, type Rule } from './instruction.ts';

type ConditionOf<Kind extends Condition['kind']> = Extract<Condition, { kind: Kind }>;

/** The instruction as lines; the inverse of {@link readInstruction}. */
export function printInstruction({ name, version, scaleSize, rules }: Instruction): string {
  const head = `instruction ${quoted(name)}, version ${version}, ${scaleSize} labels`;
  return [head, ...rules.flatMap((rule) => [ruleLine(rule), `  ${oneLine(rule.text)}`]), ''].join('\n');
}

/**
 * Parses an instruction. Empty lines and lines that start with `#` are ignored.
 *
 * @throws {LabError} `bad-instruction`with the line or the rule.
 */
export function readInstruction(text: string): Instruction {
  const lines = text
    .split(/\r?\n/u)
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'));
  const [head, ...rest] = lines;
  const found = HEAD.exec(head?.line ?? '');
  if (found === null) {
    throw unreadable(head?.number ?? 1, 'instruction "Name", version 0, 4 labels', head?.line ?? 'an empty file');
  }
  const [, name = '', version, scaleSize] = found;
  const rules: unknown[] = [];
  for (let i = 0; i < rest.length; i += 2) {
    const rule = readRuleLine(rest[i]?.line ?? '', rest[i]?.number ?? 0);
    const sentence = rest[i + 1];
    if (sentence === undefined) throw unreadable(rest[i]?.number ?? 0, 'a sentence on the next line', 'the end');
    rules.push({ ...rule, text: unescapeLine(sentence.line, sentence.number) });
  }
  const named = unquoted(name, head?.number ?? 1);
  return parseInstruction({ name: named, version: Number(version), scaleSize: Number(scaleSize), rules });
}

/** A condition in words, as in the line of a rule. */
export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case 'type':
    case 'brand':
    case 'quantity':
    case 'negation':
    case 'accessory':
    case 'audience':
      return `${condition.kind} is ${condition.is.join(' or ')}`;
    case 'attribute': {
      const name = condition.of === undefined ? '' : ` ${quoted(condition.of)}`;
      return `attribute${name} is ${condition.is.join(' or ')}`;
    }
    case 'unasked':
      return `attribute ${quoted(condition.attribute)} is, unasked, one of ${condition.values.map(quoted).join(', ')}`;
    case 'unasked-word':
      return `${condition.field} has, unasked, one of ${condition.words.map(quoted).join(', ')}`;
    case 'overlap': {
      const place = condition.of === undefined ? condition.field : `${condition.field} ${quoted(condition.of)}`;
      const [counted, other] = condition.side === 'field' ? [place, 'query'] : ['query', place];
      return `${bound(condition.is)} ${condition.share} of ${counted} is in ${other}`;
    }
    case 'phrase':
      return `${condition.field} as a phrase is ${condition.is.join(' or ')}`;
    case 'query-length':
      return `query has ${bound(condition.is)} ${condition.words} words`;
    default:
      return condition satisfies never;
  }
}

const HEAD = /^instruction ("(?:[^"\\]|\\.)*"), version (\d+), (\d+) labels$/u;
const RULE = /^rule (\S+) \((\w+)(?:, in ("(?:[^"\\]|\\.)*"))?\): when (.+), at most (\d+)$/su;
const STRING = String.raw`"(?:[^"\\]|\\.)*"`;
const STRINGS = new RegExp(STRING, 'gu');

/** One parser per form of condition: a pattern and a function of its groups. The schema validates the result. */
const FORMS: readonly (readonly [pattern: RegExp, make: (parts: readonly string[], line: number) => object])[] = [
  [
    new RegExp(`^attribute (${STRING}) is, unasked, one of (${STRING}(?:, ${STRING})*)$`, 'u'),
    ([attribute = '', values = ''], line): Unchecked<'unasked'> => ({
      kind: 'unasked',
      attribute: unquoted(attribute, line),
      values: listOf(values, line),
    }),
  ],
  [
    new RegExp(`^(\\w+) has, unasked, one of (${STRING}(?:, ${STRING})*)$`, 'u'),
    ([field = '', words = ''], line): Unchecked<'unasked-word'> => ({
      kind: 'unasked-word',
      field,
      words: listOf(words, line),
    }),
  ],
  [
    new RegExp(`^(at least|below) (\\S+) of (\\w+)(?: (${STRING}))? is in query$`, 'u'),
    ([is = '', share = '', field = '', of], line): Unchecked<'overlap'> => ({
      kind: 'overlap',
      field,
      ...named(of, line),
      side: 'field',
      is: boundOf(is),
      share: Number(share),
    }),
  ],
  [
    new RegExp(`^(at least|below) (\\S+) of query is in (\\w+)(?: (${STRING}))?$`, 'u'),
    ([is = '', share = '', field = '', of], line): Unchecked<'overlap'> => ({
      kind: 'overlap',
      field,
      ...named(of, line),
      is: boundOf(is),
      share: Number(share),
    }),
  ],
  [
    /^(\w+) as a phrase is (.+)$/u,
    ([field = '', is = '']): Unchecked<'phrase'> => ({ kind: 'phrase', field, is: is.split(' or ') }),
  ],
  [
    /^query has (at least|below) (\d+) words$/u,
    ([is = '', words]): Unchecked<'query-length'> => ({ kind: 'query-length', is: boundOf(is), words: Number(words) }),
  ],
  [
    new RegExp(`^attribute(?: (${STRING}))? is (.+)$`, 'u'),
    ([of, is = ''], line): Unchecked<'attribute'> => ({ kind: 'attribute', is: is.split(' or '), ...named(of, line) }),
  ],
  [/^(\w+) is (.+)$/u, ([kind = '', is = '']) => ({ kind, is: is.split(' or ') })],
];

/** The shape of a condition whose texts are not yet validated. */
type Unchecked<Kind extends Condition['kind']> = {
  readonly [Key in keyof ConditionOf<Kind>]: Key extends 'kind' ? Kind : Loose<ConditionOf<Kind>[Key]>;
};
type Loose<T> = T extends string ? string : T extends readonly string[] ? readonly string[] : T;

function ruleLine({ id, criterion, scope, when, cap }: Rule): string {
  const place = scope === undefined ? criterion : `${criterion}, in ${quoted(scope)}`;
  return `rule ${id} (${place}): when ${conditionText(when)}, at most ${cap}`;
}

function readRuleLine(text: string, line: number): object {
  const found = RULE.exec(text);
  if (found === null) throw unreadable(line, 'rule some-name (criterion): when ..., at most 1', text);
  const [, id, criterion, scope, when = '', cap] = found;
  const place = scope === undefined ? {} : { scope: unquoted(scope, line) };
  return { id, criterion, ...place, when: readCondition(when, line), cap: Number(cap) };
}

function readCondition(text: string, line: number): object {
  for (const [pattern, make] of FORMS) {
    const found = pattern.exec(text);
    if (found !== null) return make(found.slice(1), line);
  }
  throw unreadable(line, 'a condition such as: brand is other, or: at least 0.5 of query is in title', text);
}

function named(of: string | undefined, line: number): { of?: string } {
  return of === undefined ? {} : { of: unquoted(of, line) };
}

function listOf(text: string, line: number): string[] {
  return (text.match(STRINGS) ?? []).map((one) => unquoted(one, line));
}

function bound(is: 'at-least' | 'below'): string {
  return is === 'at-least' ? 'at least' : 'below';
}

function boundOf(text: string): 'at-least' | 'below' {
  return text === 'below' ? 'below' : 'at-least';
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function unquoted(text: string, line: number): string {
  try {
    return String(JSON.parse(text));
  } catch {
    throw unreadable(line, 'a JSON string', text);
  }
}

// A sentence is printed as it is; it becomes a JSON string only if it would not be read back unchanged.
function oneLine(text: string): string {
  return text === text.trim() && !/^["#]|[\r\n]/u.test(text) ? text : quoted(text);
}

function unescapeLine(text: string, line: number): string {
  return /^"(?:[^"\\]|\\.)*"$/u.test(text) ? unquoted(text, line) : text;
}

function unreadable(line: number, expected: string, got: string): LabError {
  const fix = 'Correct it, or start from an exported instruction.';
  return new LabError('bad-instruction', {
    message: `Line ${line} of the instruction is not readable.`,
    expected,
    got,
    fix,
  });
}
