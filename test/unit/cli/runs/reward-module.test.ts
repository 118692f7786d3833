/** Modules that reward completions: what they see, what they may not do, and what is said of those that fail. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRewardModule } from '../../../../src/cli/runs/reward-module.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import type { JudgedCompletion } from '../../../../src/train/rollouts.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-reward-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function moduleOf(source: string): Promise<string> {
  const path = join(folder, 'reward.mjs');
  await writeFile(path, source);
  return path;
}

const completion = (tokens: number): JudgedCompletion => ({
  pair: { queryId: 'q', query: 'red kettle', document: makeDocument({ title: 'Red kettle' }), label: 1 },
  text: '<|label:1|>',
  tokens,
  isValid: true,
  label: 1,
  steps: [{ rule: 'brand-other', criterion: 'brand', verdict: 'match', evidence: [{ source: 'query', text: 'red' }] }],
  goldRules: ['brand-other'],
});

describe('a reward module', () => {
  it('rewards completions in their order by all that they are', async () => {
    const path = await moduleOf(`export default ({ pair, tokens, label, steps, goldRules }) =>
      pair.query === 'red kettle' && label === pair.label && goldRules.includes(steps[0].rule) && steps[0].evidence[0].text === 'red'
        ? 1 / tokens : 0;`);
    const { judge, close, hash } = await openRewardModule(path);
    expect(await judge([completion(2), completion(4)])).toEqual([0.5, 0.25]);
    expect(await judge([])).toEqual([]);
    expect(hash).toMatch(/^[0-9a-f]{64}$/u);
    close();
    const other = await openRewardModule(await moduleOf('export default async () => 1;'));
    expect([await other.judge([completion(1)]), other.hash === hash]).toEqual([[1], false]);
    other.close();
  });

  it.each([
    [
      'reads files',
      "import { readFileSync } from 'node:fs'; export default () => readFileSync('/etc/hostname').length;",
      /restricted|permission/iu,
    ],
    [
      'writes files',
      "import { writeFileSync } from 'node:fs'; export default () => writeFileSync('/tmp/x', '');",
      /restricted|permission/iu,
    ],
    [
      'starts processes',
      "import { execSync } from 'node:child_process'; export default () => execSync('true').length;",
      /restricted|permission/iu,
    ],
    [
      'starts threads',
      "import { Worker } from 'node:worker_threads'; export default () => { new Worker('1', { eval: true }); return 1; };",
      /restricted|permission/iu,
    ],
    ['is random', 'export default () => Math.random();', /may not be random/u],
    ['throws', "export default () => { throw new Error('oh no'); };", /oh no/u],
    ['ends its process', 'export default () => process.exit(0);', /process has ended/u],
    ['gives no number', "export default () => 'much';", /number from 0 to 1.*"much"/u],
    ['gives nothing', 'export default () => undefined;', /number from 0 to 1/u],
    ['gives more than 1', 'export default () => 1.5;', /number from 0 to 1.*1\.5/u],
    ['gives NaN', 'export default () => NaN;', /number from 0 to 1/u],
  ])('that %s is refused', async (_, source, message) => {
    const { judge, close } = await openRewardModule(await moduleOf(source));
    await expect(judge([completion(1)])).rejects.toThrow(message);
    close();
  });

  it('has no environment', async () => {
    process.env['LAB_SECRET'] = 'x';
    const { judge, close } = await openRewardModule(
      await moduleOf('export default () => process.env.LAB_SECRET === undefined ? 1 : 0;'),
    );
    expect(await judge([completion(1)])).toEqual([1]);
    close();
  });

  it.each([
    ['no JavaScript', 'export default (', /cannot be used/u],
    ['no function', 'export default 1;', /no function as its default export/u],
    ['its own imports', "import './other.mjs'; export default () => 1;", /cannot be used/u],
  ])('with %s is refused before the run begins', async (_, source, message) => {
    await expect(openRewardModule(await moduleOf(source))).rejects.toThrow(message);
  });

  it('that is not there is named', async () => {
    await expect(openRewardModule(join(folder, 'nowhere.mjs'))).rejects.toThrow(/nowhere\.mjs/u);
  });
});
