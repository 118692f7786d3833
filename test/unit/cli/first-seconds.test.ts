/** Before anything is computed: help, wrong names, and system errors. */
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { systemError } from '../../../src/cli/system-errors.ts';
import { LabError } from '../../../src/common/errors.ts';
import { lab } from './lab.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-first-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('names', () => {
  it('are listed, each with its own help', async () => {
    const { code, out } = await lab('--help');
    expect(code).toBe(0);
    for (const { name, summary } of COMMANDS) {
      expect(out).toContain(`  ${name} `);
      const help = await lab(name, '--help');
      expect(help.code).toBe(0);
      expect(help.out).toMatch(new RegExp(`^Usage: npm run lab -- ${name} `, 'u'));
      expect(summary).not.toBe('');
    }
    expect((await lab('help', 'score')).out).toBe((await lab('score', '--help')).out);
  });

  it('of unknown commands and options are answered with the nearest known one', async () => {
    expect((await lab('scroe')).err).toMatch(/Did you mean score/u);
    expect((await lab('sft', '--out', folder, '--stesp', '3')).err).toMatch(/Did you mean --steps/u);
    expect((await lab('recipe', 'chrous')).err).toMatch(/Did you mean chorus/u);
  });

  it.each([
    ['sft', '{"sft": {"setps": 3}}', /sft\.setps: there is no "setps"; did you mean "steps"\?/u],
    ['sft', '{"learningRate": 1}', /did you mean "sft\.learningRate"\?/u],
    ['grpo', '{"rewrad": {}}', /did you mean "reward"\?/u],
    ['grpo', '{"grpo": {"balance": {"kind": "additive", "lamda": 1}}}', /did you mean "lambda"\?/u],
    ['grpo', '{"grpo": {"wholly-strange": 1}}', /known are .*steps, /u],
  ])('the same for settings of %s: %s', async (command, settings, message) => {
    const config = join(folder, 'settings.json');
    await writeFile(config, settings);
    const { code, err } = await lab(command, '--config', config, '--out', join(folder, 'run'));
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  it('the same for rules', async () => {
    const rule = { id: 'a', criterion: 'brand', when: { kind: 'brand', is: ['same'] }, capp: 1, text: 'x' };
    const rules = join(folder, 'rules.json');
    await writeFile(rules, JSON.stringify({ name: 'mine', version: 0, scaleSize: 3, rules: [rule] }));
    const { code, err } = await lab('piar', rules, '--start', rules, '--out', join(folder, 'piar'));
    expect(err).toMatch(/Rule "a".*there is no "capp"; did you mean "cap"\?/u);
    expect(code).toBe(2);
  });

  it('of unusable paths are answered with what was expected', async () => {
    for (const [args, message] of [
      [['sft', '--config', folder], /it is a folder, not a file: could not read the settings/u],
      [['sft', '--config', 'nowhere.json'], /no such file or folder: could not read the settings in nowhere\.json/u],
      [['sft', '--data', folder], /is not a file/u],
      [['grpo', '--start', folder], /config\.json cannot be read.*Expected a folder with/su],
      [['distill', '--teacher', 'nowhere'], /there is no nowhere/u],
      [['distill', '--student', 'nowhere'], /there is no nowhere/u],
    ] as const) {
      const { code, err } = await lab(...args, '--out', join(folder, 'nothing'));
      expect(err).toMatch(message);
      expect(err).not.toMatch(/Computing on/u); // no backend was opened
      expect(code).toBe(2);
    }
  });
});

describe('system errors', () => {
  const errno = (code: string): Error => Object.assign(new Error(`${code}: it failed`), { code, path: '/some/path' });

  it.each([
    ['ENOSPC', 'storage-full', /^disk full: could not write it\./u],
    ['EDQUOT', 'storage-full', /^disk quota/u],
    ['EACCES', 'bad-file', /^permission denied: could not write it\./u],
    ['ENOTDIR', 'not-found', /not a folder/u],
    ['EISDIR', 'bad-file', /is a folder, not a file/u],
    ['EROFS', 'bad-file', /read-only/u],
  ])('%s is reported in words', (code, labCode, message) => {
    const error = systemError(errno(code), 'write it');
    expect(error).toBeInstanceOf(LabError);
    expect(error).toMatchObject({ code: labCode, message: expect.stringMatching(message) as string });
  });

  it('name the path where the attempt is not described, and leave other errors unchanged', () => {
    expect(systemError(errno('EACCES'))).toMatchObject({ message: expect.stringContaining('/some/path') as string });
    const other = new TypeError('a fault');
    expect(systemError(other, 'write it')).toBe(other);
  });
});
