/**
 * Nothing is lost: no command replaces an input, or an existing file unless requested, and outputs appear completely or
 * not at all.
 */
import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkOutputFile, OutputFile, partOf, writeOutput, writeTogether } from '../../../src/cli/outputs.ts';
import { smallModelFiles } from '../../reference/small-lab-model.ts';
import { lab } from './lab.ts';

let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-outputs-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Every file below the folder with its contents. */
async function contents(): Promise<ReadonlyMap<string, string>> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = files.filter((each) => each.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path, 'latin1')] as const)));
}

const PAIRS = 'query,title,docId,grade\nred kettle,kettle red,a,1\nred kettle,lamp,b,0\n';

describe('files that are written whole', () => {
  it('use parts of one process, and remove those of dead ones', async () => {
    const dead = String(2 ** 22 + 1); // above Linux's largest process id
    const parts = [`a.json.${dead}.part`, `a.json.${process.ppid}.part`, `other.${dead}.part`];
    for (const name of parts) await writeFile(at(name), 'half');
    await writeTogether(folder, new Map([['a.json', '{}']]));
    expect([...(await contents()).keys()].toSorted()).toEqual([at('a.json'), ...parts.slice(1).map(at)].toSorted());
  });
});

describe('outputs', () => {
  it.each([
    ['the file itself', (): Promise<void> => Promise.resolve(), 'in.csv'],
    ['a symbolic link to it', () => symlink(at('in.csv'), at('out.csv')), 'out.csv'],
    ['a hard link to it', () => link(at('in.csv'), at('out.csv')), 'out.csv'],
    ['a file in a folder that is read', () => Promise.resolve(), 'in.csv'],
  ])('are never %s, even with --force', async (what, make, out) => {
    await writeFile(at('in.csv'), PAIRS);
    await make();
    const inputs = [what.includes('folder') ? folder : at('in.csv')];
    await expect(writeOutput(at(out), { inputs, force: true }, ['new'])).rejects.toThrow(/would replace the input/u);
    expect(await readFile(at('in.csv'), 'utf8')).toBe(PAIRS);
    expect(existsSync(partOf(at(out)))).toBe(false);
  });

  it('are rejected if their part file is an input', async () => {
    await writeFile(at('a.csv.part'), PAIRS);
    const rules = { inputs: [at('a.csv.part')], force: true };
    await expect(writeOutput(at('a.csv'), rules, ['new'])).rejects.toThrow(/would replace the input/u);
    expect(await readFile(at('a.csv.part'), 'utf8')).toBe(PAIRS);
  });

  it('replace existing files only with --force', async () => {
    await writeFile(at('a.csv'), 'old');
    await expect(writeOutput(at('a.csv'), { inputs: [] }, ['new'])).rejects.toThrow(/already.*--force/su);
    expect(await readFile(at('a.csv'), 'utf8')).toBe('old');
    await writeOutput(at('a.csv'), { inputs: [], force: true }, ['new']);
    expect(await readFile(at('a.csv'), 'utf8')).toBe('new');
  });

  it('appear completely or not at all', async () => {
    const broken = function* (): Generator<string> {
      yield 'first';
      throw new Error('broken');
    };
    await expect(writeOutput(at('a.csv'), { inputs: [] }, broken())).rejects.toThrow('broken');
    expect(await readdir(folder)).toEqual([]);
    const file = await OutputFile.create(at('a.csv'), { inputs: [] });
    await file.write('half');
    expect(await readdir(folder)).toEqual(['a.csv.part']);
    await file.finish();
    expect(await readdir(folder)).toEqual(['a.csv']);
  });

  it('follow a link to its target', async () => {
    await writeFile(at('real.csv'), 'old');
    await symlink(at('real.csv'), at('link.csv'));
    await writeOutput(at('link.csv'), { inputs: [], force: true }, ['new']);
    expect(await readFile(at('real.csv'), 'utf8')).toBe('new');
  });

  it('name an obstacle', async () => {
    await writeFile(at('file'), '');
    await expect(checkOutputFile(folder, { inputs: [] })).rejects.toThrow(/is a folder/u);
    await expect(checkOutputFile(at('nowhere/a.csv'), { inputs: [] })).rejects.toThrow(/no folder .*nowhere/u);
    await expect(checkOutputFile(at('file/a.csv'), { inputs: [] })).rejects.toThrow(/file is a file/u);
  });

  it('leave a folder unchanged if one of several files cannot be written', async () => {
    await writeFile(at('a'), 'old a');
    await mkdir(at(`b.${process.pid}.part`));
    await expect(
      writeTogether(
        folder,
        new Map([
          ['a', 'new a'],
          ['b', 'new b'],
        ]),
      ),
    ).rejects.toThrow(/could not write .*b/u);
    expect(await readFile(at('a'), 'utf8')).toBe('old a');
    expect(existsSync(at(`a.${process.pid}.part`))).toBe(false);
  });

  it.skipIf(!existsSync('/dev/full'))('report a full disk, without a stack', async () => {
    await symlink('/dev/full', at('full.jsonl'));
    const { code, err } = await lab('world', '--split', 'dev', '--queries', '2', '--out', at('full.jsonl'));
    expect(code).toBe(1);
    expect(err).toMatch(/^Error: disk full: could not write /mu);
    expect(err).not.toMatch(/^\s+at /mu);
  });
});

describe('commands', () => {
  const results = {
    id: 'E1', title: 'A title', question: 'A question?', device: 'a test', commit: 'none', config: {},
    arms: [{ name: 'SFT', seeds: [] }], findings: [], verdict: 'Nothing yet.',
  }; // prettier-ignore

  beforeEach(async () => {
    await writeFile(at('pairs.csv'), PAIRS);
    await writeFile(at('docs.csv'), 'docId,title\na,kettle red\nb,lamp\n');
    await mkdir(at('model'));
    for (const [name, bytes] of smallModelFiles()) await writeFile(join(at('model'), name), bytes);
    await writeFile(at('E1.json'), JSON.stringify(results));
    await mkdir(at('there'));
    const names = ['history.json', 'card.json', 'E1.json', 'E1.md', 'E0.json', 'E9.json', 'quantisation.md'];
    for (const name of [...names, 'chorus.md', 'general.html']) await writeFile(join(at('there'), name), 'earlier');
    await writeFile(join(at('there'), 'there.csv'), 'earlier');
    await writeFile(at('E1.md'), 'notes of somebody');
  });

  /** Commands that would replace an input or an earlier result, `@` being the folder. */
  it.each([
    ['score @/pairs.csv --out @/pairs.csv --model @/model', /would replace the input/u],
    ['score @/pairs.csv --out @/pairs.csv --force --model @/model', /would replace the input/u],
    ['score @/pairs.csv --docs @/docs.csv --out @/docs.csv --force --model @/model', /would replace the input/u],
    ['score @/pairs.csv --out @/there/there.csv --model @/model', /--force/u],
    ['mine @/pairs.csv --out @/pairs.csv --force --model @/model', /would replace the input/u],
    ['mine --out @/there/there.csv --model @/model', /--force/u],
    ['tokenizer --text @/pairs.csv --out @/pairs.csv --force', /would replace the input/u],
    ['tokenizer --out @/there/there.csv', /--force/u],
    ['world --out @/there/there.csv', /--force/u],
    ['quantise --model @/model --out @/model --force', /would replace the input/u],
    ['quantise --model @/model --out @/there', /--force/u],
    ['export --model @/model --out @/model --force', /would replace the input/u],
    ['export --model @/model --out @/there', /--force/u],
    ['agreement @/model --out @/there', /--force/u],
    ['piar @/pairs.csv --out @/there', /--force/u],
    ['report @/E1.json', /E1\.md.*--force/su],
    ['experiment E1 --out @/there', /--force/u],
    ['experiment E0 --out @/there', /--force/u],
    ['piar-experiment @/model --out @/there', /--force/u],
    ['recipe chorus --data @/pairs.csv --out @/there', /--force/u],
    ['recipe general @/model --out @/there', /--force/u],
    ['sft --out @/there/there.csv', /there\.csv is a file/u],
    ['sft --out @', /already contains .*model/u],
    ['grpo --out @ --start @/model', /already contains .*model/u],
    ['distill --out @ --teacher @/model', /already contains .*model/u],
  ])('are rejected before anything is written: %s', async (command, message) => {
    const before = await contents();
    const { code, err } = await lab(...command.split(' ').map((word) => word.replace('@', folder)));
    expect(err).toMatch(message);
    expect(code).toBe(2);
    expect(await contents()).toEqual(before);
  });

  it('keep an earlier result if the input turns out to be unusable', async () => {
    await writeFile(at('empty.csv'), 'query,title\n');
    await writeFile(at('scored.csv'), 'earlier');
    const onModel = ['--model', at('model'), '--backend', 'wasm'];
    const { code } = await lab('score', at('empty.csv'), '--out', at('scored.csv'), '--force', ...onModel);
    expect(code).toBe(2);
    expect(await readFile(at('scored.csv'), 'utf8')).toBe('earlier');
    expect((await readdir(folder)).filter((name) => name.includes('.part'))).toEqual([]);
  });

  it('write an unchanged report again', async () => {
    await rm(at('E1.md'));
    expect((await lab('report', at('E1.json'))).code).toBe(0);
    expect((await lab('report', at('E1.json'))).code).toBe(0);
    await writeFile(at('E1.svg'), 'changed');
    expect((await lab('report', at('E1.json'))).code).toBe(2);
    expect((await lab('report', at('E1.json'), '--force')).code).toBe(0);
    expect(await readFile(at('E1.svg'), 'utf8')).toMatch(/^<svg/u);
  });
});
