/** The user's own rules, data and settings on the command line: from files to a model that contains the rules. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withRules } from '../../../src/cli/instruction-files.ts';
import { SFT_OPTIONS } from '../../../src/cli/runs/run-options.ts';
import type { ExplicitSetting } from '../../../src/cli/setting-options.ts';
import { sftSettings } from '../../../src/cli/runs/sft-settings.ts';
import { printInstruction } from '../../../src/relevance/rules/instruction-text.ts';
import { instructionToJson } from '../../../src/relevance/rules/instruction.ts';
import { startInstruction } from '../../../src/relevance/rules/start-instruction.ts';
import { dataSetOf, pairsTsv } from '../runs/own-pairs.ts';
import { lab } from './lab.ts';

let folder: string;
let data: string;
let rules: string;

const file = async (name: string, contents: string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, contents);
  return path;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-own-rules-'));
  data = await file('pairs.tsv', pairsTsv(20));
  rules = await file('rules.txt', printInstruction(startInstruction(3)));
});
afterAll(() => rm(folder, { recursive: true }));

describe("lab sft and lab grpo with the user's rules", () => {
  it('train on reasons, are evaluated with them, and pass them on', async () => {
    const config = await file(
      'sft.json',
      '{"preset": "lab-nano", "sft": {"steps": 3, "batchSize": 8, "warmupSteps": 0}, "devPairs": 4}',
    );
    const [first, second] = [join(folder, 'sft'), join(folder, 'grpo')];
    const sft = await lab(
      'sft', '--config', config, '--steps', '2', '--data', data, '--rules', rules, '--out', first, '--backend', 'wasm',
    ); // prettier-ignore
    expect(sft.err).toMatch(/The rules give reasons for \d+ of 64 labels; they contradict \d+/u);
    expect(sft.err).toMatch(/no lexicon\.json beside rules\.txt/u);
    expect(sft.code).toBe(0);
    const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8')) as unknown;
    const model = join(first, 'model');
    expect(await read(join(model, 'lab.json'))).toMatchObject({ instruction: startInstruction(3), readsTitles: true });
    expect(await read(join(model, 'card.json'))).toMatchObject({ training: { steps: 2 } });

    const measured = await lab(
      'eval',
      '--model',
      model,
      '--data',
      data,
      '--completions',
      '2',
      '--json',
      '--backend',
      'wasm',
    );
    expect(JSON.parse(measured.out)).toMatchObject({ pairs: 8, reasoning: { completions: 2 } });

    const settings = await file(
      'grpo.json',
      JSON.stringify({
        reward: { labelShare: 0.7 },
        devPairs: 2,
        probePrompts: 2,
        probeSamples: 2,
        grpo: { prompts: 2, samples: 2, maxTokens: 4, expertBatch: 2 },
      }),
    );
    const grpo = await lab(
      'grpo', '--start', model, '--data', data, '--config', settings, '--steps', '1', '--out', second, '--backend', 'wasm',
    ); // prettier-ignore
    expect(grpo.err).toMatch(/The rules give reasons for/u);
    expect(grpo.code).toBe(0);
    expect(await read(join(second, 'config.json'))).toMatchObject({
      data: { kind: 'file', devShare: 0.1, testShare: 0.1 },
      reward: { kind: 'strict', labelShare: 0.7 },
    });
    expect(await read(join(second, 'model', 'lab.json'))).toMatchObject({ instruction: startInstruction(3) });

    const wrong = await file('wrong.json', '{"reward": {"labelShare": 1.5}}');
    const refused = await lab('grpo', '--start', model, '--config', wrong, '--out', join(folder, 'none'));
    expect(refused).toMatchObject({ code: 2, err: expect.stringMatching(/reward\.labelShare/u) as string });
  }, 300_000);
});

describe('unusable rules', () => {
  const [first, ...rest] = startInstruction(3).rules;
  const withFirst = (changes: object): string =>
    JSON.stringify({ ...startInstruction(3), rules: [{ ...first, ...changes }, ...rest] });
  const read = async (path: string): Promise<unknown> => {
    const dataSet = await dataSetOf(pairsTsv(20));
    const { name, sha256 } = dataSet;
    const settings = {
      kind: 'file',
      name,
      sha256,
      devShare: 0.1,
      testShare: 0.1,
      splitSeed: 1,
      grades: '',
      labels: '',
    } as const;
    return withRules(settings, path, 3, dataSet);
  };

  it.each([
    ['an unknown key of a rule', 'rules.json', withFirst({ colour: 'red' }), /Rule "all-in-title".*colour/u],
    ['a cap outside the scale', 'rules.json', withFirst({ cap: 3 }), /Rule "all-in-title" caps at a label outside/u],
    ['a condition of no kind', 'rules.json', withFirst({ when: { kind: 'mood' } }), /Rule "all-in-title", when/u],
    ['broken JSON', 'rules.json', '{"name": ', /is not JSON/u],
    ['text that is no instruction', 'rules.txt', 'be nice', /Line 1|instruction/u],
    ['another scale', 'rules.json', instructionToJson(startInstruction(4)), /another scale.*Expected 3 labels.*Got 4/u],
    ['an empty list of rules', 'rules.json', JSON.stringify({ ...startInstruction(3), rules: [] }), /rules/u],
  ])('are named: %s', async (_, name, contents, message) => {
    await expect(read(await file(`broken-${name}`, contents))).rejects.toThrow(message);
  });

  it('are named: no rules, and an invalid lexicon', async () => {
    await expect(read(join(folder, 'nowhere.json'))).rejects.toThrow(/There is no instruction .*nowhere\.json/u);
    const inside = await mkdtemp(join(folder, 'lexicon-'));
    await writeFile(join(inside, 'rules.json'), instructionToJson(startInstruction(3)));
    await writeFile(join(inside, 'lexicon.json'), '{"brands": 3}');
    await expect(read(join(inside, 'rules.json'))).rejects.toThrow(/lexicon\.json is not usable: .*brands: /u);
  });
});

describe('settings of lab sft in a file', () => {
  const steps = SFT_OPTIONS.read('sft.steps', '2000');
  const settings = async (contents: string, said: readonly ExplicitSetting[] = []): Promise<unknown> =>
    sftSettings({ config: await file('settings.json', contents) }, said, undefined);

  it('go before the defaults of options, and options that were given before them', async () => {
    const read = await settings('{"name": "theirs", "sft": {"steps": 30, "learningRate": 0.01}}', [steps]);
    expect(read).toMatchObject({ name: 'theirs', preset: 'nano', sft: { steps: 2000, learningRate: 0.01 } });
  });

  it.each([
    ['{"sft": {"setps": 3}}', /sft\.setps/u],
    ['{"sft": 5}', /sft: /u],
    ['{"prompt": {"hints": "no"}}', /prompt\.hints/u],
    ['[1]', /a file with a JSON object/u],
    ['{', /a file with a JSON object/u],
  ])('%s is rejected by name', async (contents, message) => {
    await expect(settings(contents)).rejects.toThrow(message);
  });

  it('have no rules without a file of judged pairs', async () => {
    const asked = sftSettings({ rules }, [], undefined);
    await expect(asked).rejects.toThrow(/--rules requires a file of judged pairs/u);
  });
});
