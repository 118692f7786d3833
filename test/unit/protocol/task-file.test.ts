/** An own task in one file: what it may say, and what is said of one that cannot be used. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { namedScale } from '../../../src/protocol/label-names.ts';
import { isTask, parseTask } from '../../../src/protocol/task-file.ts';
import { instructionToJson } from '../../../src/relevance/rules/instruction.ts';
import { startInstruction } from '../../../src/relevance/rules/start-instruction.ts';

const RULES = JSON.parse(instructionToJson(startInstruction(3))) as Record<string, unknown>;
const TASK = { labels: ['no', 'partly', 'yes'], grades: 'bad=0, ok=1, good=2', prompt: { hints: false }, rules: RULES };
const read = (change: object): unknown => parseTask('task.json', JSON.stringify({ ...TASK, ...change }));

describe('a task file', () => {
  it('is the example of the docs, and keeps what it says', () => {
    const text = readFileSync('docs/examples/task.json', 'utf8');
    expect(isTask(text)).toBe(true);
    const { labels, rules } = parseTask('docs/examples/task.json', text);
    expect(labels).toHaveLength(4);
    expect(rules?.scaleSize).toBe(4);
    expect(read({})).toEqual({ ...TASK, rules: startInstruction(3) });
  });

  it('may be its labels alone, and says nothing of the prompt then', () => {
    expect(parseTask('task.json', '{"labels": ["no", "yes"]}')).toEqual({
      labels: ['no', 'yes'],
      grades: '',
      prompt: {},
    });
  });

  it.each([
    [{ labels: ['no'] }, /task\.json is not usable: labels: .*at least 2/iu],
    [{ labels: ['no', 'no', 'yes'] }, /labels: .*repeated/iu],
    [{ labels: ['no, never', 'partly', 'yes'] }, /labels\.0: .*no comma/iu],
    [{ labels: ['no', 'yes'] }, /grades does not fit labels.*0 to 1.*Got 2/su],
    [{ grades: 'bad=9' }, /grades: .*label from 0 to 5/su],
    [{ prompt: { hint: true } }, /prompt\.hint: there is no "hint"; did you mean "hints"/u],
    [{ prompt: { maxWordsPerField: { title: -1 } } }, /prompt\.maxWordsPerField\.title/u],
    [{ rules: { ...RULES, rules: [{ id: 'a' }] } }, /rules: Rule "a", criterion is not usable/u],
    [{ rules: { ...RULES, scaleSize: 4 } }, /rules\.scaleSize does not fit labels.*3.*Got 4/su],
    [
      { rules: undefined, lexicon: { brands: [], types: {}, attributes: {}, audiences: [] } },
      /lexicon has the words of rules/u,
    ],
    [{ label: [] }, /there is no "label"; did you mean "labels"/u],
  ])('with %j is refused, and the field is named', (change, message) => {
    expect(() => read(change)).toThrow(message);
  });

  it('is told from an instruction and a lexicon by its labels, even where it cannot be used', () => {
    expect(isTask('{"labels": 7}')).toBe(true);
    for (const other of [instructionToJson(startInstruction(3)), 'Rule 1: ...', '{"brands": []}', 'null']) {
      expect(isTask(other)).toBe(false);
    }
    expect(() => parseTask('task.json', '{"labels": ')).toThrow(/task\.json is not usable/u);
  });
});

describe('the names of labels', () => {
  it('are those given, or the usual ones', () => {
    expect(namedScale(' no , yes', 2)).toEqual({ size: 2, names: ['no', 'yes'], rubric: ['no', 'yes'] });
    expect(namedScale('', 4).names).toContain('substantial');
    expect(() => namedScale('no, yes', 3)).toThrow(/3 names, worst first.*Got 2: no, yes/u);
  });
});
