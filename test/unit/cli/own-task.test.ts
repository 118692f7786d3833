/** `lab sft --task`: labels, grades, prompt and rules from one file, to a model that has them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startInstruction } from '../../../src/relevance/rules/start-instruction.ts';
import { pairsTsv } from '../runs/own-pairs.ts';
import { lab } from './lab.ts';

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);
const TASK = {
  labels: ['no', 'partly', 'yes'],
  prompt: { maxWordsPerField: { title: 9 } },
  rules: startInstruction(3),
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-own-task-'));
  await writeFile(at('pairs.tsv'), pairsTsv(20));
  await writeFile(at('task.json'), JSON.stringify(TASK));
  await writeFile(at('other.json'), JSON.stringify({ ...TASK, labels: ['no', 'maybe', 'yes'] }));
  await writeFile(
    at('sft.json'),
    '{"preset": "lab-nano", "sft": {"steps": 1, "batchSize": 8, "warmupSteps": 0}, "devPairs": 1}',
  );
});
afterAll(() => rm(folder, { recursive: true }));

describe('lab sft --task', () => {
  const train = (...more: string[]): string[] => ['sft', '--backend', 'wasm', '--out', at('run'), ...more];
  const read = async (...names: string[]): Promise<unknown> =>
    JSON.parse(await readFile(at(...names), 'utf8')) as unknown;

  it('learns the task, and names its labels in the model and in one that is reinforced from it', async () => {
    const given = ['--data', at('pairs.tsv'), '--task', at('task.json')];
    const made = await lab(...train(...given, '--config', at('sft.json')));
    expect(made.err).toMatch(/The rules give reasons for/u);
    expect(made.code).toBe(0);
    const scale = { names: TASK.labels, rubric: TASK.labels };
    expect(await read('run', 'model', 'lab.json')).toMatchObject({
      scale,
      instruction: { rules: startInstruction(3).rules },
      prompt: { scaleSize: 3, maxWordsPerField: { title: 9 } },
    });
    expect(await read('run', 'config.json')).toMatchObject({ data: { labels: 'no, partly, yes' } });
    const other = await lab(...train('--resume', '--data', at('pairs.tsv'), '--task', at('other.json')));
    expect(other.err).toMatch(/keeps its settings.*data\.labels "no, partly, yes".*"no, maybe, yes"/su);
    expect((await lab(...train('--resume', ...given))).code).toBe(0);
    // A model may answer on further scales, which are its own as the first one is.
    const otherScales = [{ names: ['no', 'yes'], rubric: ['no', 'yes'] }];
    const own = (await read('run', 'model', 'lab.json')) as object;
    await writeFile(at('run', 'model', 'lab.json'), JSON.stringify({ ...own, otherScales }));
    const small = { devPairs: 1, probePrompts: 2, grpo: { prompts: 2, samples: 2, maxTokens: 4, expertBatch: 2 } };
    await writeFile(at('grpo.json'), JSON.stringify(small));
    const grpo = await lab(
      'grpo', '--start', at('run', 'model'), '--data', at('pairs.tsv'), '--config', at('grpo.json'), '--steps', '1',
      '--out', at('grpo'), '--backend', 'wasm',
    ); // prettier-ignore
    expect(grpo.code).toBe(0);
    expect(await read('grpo', 'model', 'lab.json')).toMatchObject({ scale, otherScales });
    // The sweep of grpo hands the task on to its runs.
    const sweep = (task: string, out: string): string[] => [
      'sweep', 'grpo', '--set', 'grpo.balance.lambda=0.3', '--out', at(out), '--',
      '--start', at('run', 'model'), '--data', at('pairs.tsv'), '--task', at(task), '--config', at('grpo.json'),
      '--steps', '1', '--backend', 'wasm',
    ]; // prettier-ignore
    const swept = await lab(...sweep('task.json', 'sweep'));
    expect(swept.code, swept.err).toBe(0);
    expect(await read('sweep', 'lambda-0.3_seed-1', 'config.json')).toMatchObject({
      data: { rules: { instruction: { rules: startInstruction(3).rules } } },
    });
    const wrong = await lab(...sweep('other.json', 'wrong'));
    expect(wrong.err).toMatch(/has learned another task.*and not the same labels.*"partly".*"maybe"/su);
    expect(wrong.code).not.toBe(0);
  });

  it('goes on to a student, whose teacher has learned it, and to a sweep of students', async () => {
    const asked = ['--teacher', at('run', 'model'), '--data', at('pairs.tsv'), '--backend', 'wasm'];
    await writeFile(at('distill.json'), '{"devPairs": 2, "distill": {"batchSize": 4, "steps": 2, "maxTokens": 4}}');
    const small = ['--config', at('distill.json'), '--method', 'label-kd'];
    const student = (...more: string[]): string[] => ['distill', '--out', at('student'), ...asked, ...more];
    const made = await lab(...student(...small, '--task', at('task.json')));
    expect(made.code, made.err).toBe(0);
    const [learned, taught] = [await read('run', 'model', 'lab.json'), await read('student', 'model', 'lab.json')];
    expect(taught).toEqual(learned);
    const card = await read('student', 'model', 'card.json');
    expect(card).toMatchObject({
      data: { name: 'the file pairs.tsv', split: { devShare: 0.1, testShare: 0.1, seed: 1 } },
      distillation: { method: "the teacher's label distribution at temperature 2" },
      training: { steps: 2 },
    });
    // It trains no query that its teacher has held out.
    const queriesOf = async (run: string): Promise<unknown> =>
      ((await read(run, 'model', 'card.json')) as { data: { queries: unknown } }).data.queries;
    expect(await queriesOf('student')).toEqual(await queriesOf('run'));
    // The file is needed again, and only that file.
    expect((await lab('distill', '--out', at('student'), '--teacher', at('run', 'model'), '--resume', '--steps', '3'))
      .err).toMatch(/learns from the file "pairs\.tsv".*--data/su); // prettier-ignore
    const longer = await lab(...student('--resume', '--steps', '3', '--task', at('task.json')));
    expect(longer.code, longer.err).toBe(0);
    expect(await read('student', 'config.json')).toMatchObject({ file: { name: 'pairs.tsv' }, distill: { steps: 3 } });

    const sweep = (task: string, out: string): string[] => [
      'sweep', 'distill', '--set', 'distill.method.temperature=3', '--out', at(out), '--', ...asked, ...small, '--task', at(task),
    ]; // prettier-ignore
    const swept = await lab(...sweep('task.json', 'students'));
    expect(swept.code, swept.err).toBe(0);
    expect(await read('students', 'temperature-3_seed-1', 'config.json')).toMatchObject({
      file: { name: 'pairs.tsv' },
      distill: { method: { kind: 'label-kd', temperature: 3 } },
    });
    const fewer = { ...TASK.rules, rules: TASK.rules.rules.slice(1) };
    await writeFile(at('fewer.json'), JSON.stringify({ ...TASK, rules: fewer }));
    for (const [task, message] of [
      ['other.json', /has learned another task.*and not the same labels/su],
      ['fewer.json', /has learned other rules than those of .*fewer\.json/su],
    ] as const) {
      const refused = await lab(
        ...student('--task', at(task)).map((word) => (word === at('student') ? at('no') : word)),
      );
      expect(refused).toMatchObject({ code: 2, err: expect.stringMatching(message) as string });
    }
    const alone = await lab('distill', '--out', at('no'), '--teacher', at('run', 'model'), '--task', at('task.json'));
    expect(alone.err).toMatch(/--task requires a file of judged pairs/u);
  });

  it('is refused where it does not belong, before anything is made', async () => {
    const alone = await lab('sft', '--out', at('none'), '--task', at('task.json'));
    expect(alone.err).toMatch(/--task requires a file of judged pairs.*--data/su);
    await writeFile(at('rules.json'), JSON.stringify(TASK.rules));
    const both = ['--data', at('pairs.tsv'), '--task', at('task.json'), '--rules', at('rules.json')];
    expect((await lab('sft', '--out', at('none'), ...both)).err).toMatch(/--task and --rules both name rules/u);
    await writeFile(at('broken.json'), JSON.stringify({ ...TASK, labels: ['no', 'yes'] }));
    const broken = await lab('sft', '--out', at('none'), '--data', at('pairs.tsv'), '--task', at('broken.json'));
    expect(broken).toMatchObject({
      code: 2,
      err: expect.stringMatching(/rules\.scaleSize does not fit labels/u) as string,
    });
    const missing = await lab('sft', '--out', at('none'), '--data', at('pairs.tsv'), '--task', at('gone.json'));
    expect(missing.err).toMatch(/gone\.json/u);
  });
});
