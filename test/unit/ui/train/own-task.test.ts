/** A task that was chosen in the Train view, as settings and as files of rules. */
import { describe, expect, it } from 'vitest';
import { instructionToJson } from '../../../../src/relevance/rules/instruction.ts';
import { startInstruction } from '../../../../src/relevance/rules/start-instruction.ts';
import { takenRules, withTask } from '../../../../src/ui/train/own-task.ts';
import { checkSftDraft } from '../../../../src/ui/train/sft-draft.ts';

const DRAFT = new Map<string, string | boolean>([
  ['data.kind', 'file'],
  ['data.name', 'pairs.tsv'],
  ['data.sha256', 'a'.repeat(64)],
  ['prompt.scaleSize', '2'],
  ['sft.steps', '7'],
]);
const RULES = JSON.parse(instructionToJson(startInstruction(4))) as object;
const TASK = {
  labels: ['a', 'b', 'c', 'd'],
  grades: 'x=3, *=0',
  prompt: { caseFold: false, maxWordsPerField: { title: 9 } },
  rules: RULES,
};
const fileOf = (value: unknown, name = 'task.json'): File => new File([JSON.stringify(value)], name);

describe('a chosen task', () => {
  it('decides settings, and gives its rules as files', async () => {
    const lexicon = { brands: ['zorvex'], types: {}, attributes: {}, audiences: [] };
    const { task, files, problem } = await takenRules([fileOf({ ...TASK, lexicon })]);
    expect(problem).toBeUndefined();
    if (task === undefined) throw new Error('no task');
    const { settings, problems } = checkSftDraft(withTask(DRAFT, task));
    expect([...problems]).toEqual([]);
    expect(settings).toMatchObject({
      data: { kind: 'file', name: 'pairs.tsv', labels: 'a, b, c, d', grades: 'x=3, *=0' },
      prompt: { scaleSize: 4, caseFold: false, hints: true, maxWordsPerField: { title: 9, query: 24 } },
      sft: { steps: 7 },
    });
    expect(files.map(({ name }) => name)).toEqual(['task.json', 'lexicon.json']);
    expect(JSON.parse((await files[0]?.text()) ?? '')).toEqual(startInstruction(4));
    expect(JSON.parse((await files[1]?.text()) ?? '')).toEqual(lexicon);
  });

  it('without rules leaves none, and one that cannot be read changes nothing', async () => {
    const { rules: _, ...bare } = TASK;
    expect((await takenRules([fileOf(bare)])).files).toEqual([]);
    const broken = await takenRules([fileOf({ ...TASK, labels: ['a'] })]);
    expect([broken.task, broken.files]).toEqual([undefined, []]);
    expect(broken.problem).toMatchObject({ code: 'bad-config' });
    const files = [fileOf(RULES, 'instruction.json')];
    expect(await takenRules(files)).toEqual({ task: undefined, files, problem: undefined });
  });
});
