/** The results files of the repository match their schemas, and their reports and plots are the committed ones. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportOf, writeResults } from '../../../src/cli/results-files.ts';

const KEPT = join(import.meta.dirname, '../../../docs/results');
const names = (await readdir(KEPT)).filter((name) => name.endsWith('.json'));

let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'lab-results-'));
});
afterAll(() => rm(out, { recursive: true }));

const textOf = (folder: string, name: string): Promise<string> => readFile(join(folder, name), 'utf8');

describe('results files', () => {
  it.each(names)('%s is written byte for byte as committed, with the same report and plots', async (name) => {
    const folder = await mkdtemp(join(out, 'one-'));
    const path = await writeResults(folder, JSON.parse(await textOf(KEPT, name)) as { id: string });
    expect(`${path}.json`).toBe(join(folder, name));
    const written = (await readdir(folder)).filter((each) => !each.endsWith('.html'));
    expect(written).toContain(name.replace('.json', '.md'));
    for (const each of written) expect(await textOf(folder, each), each).toBe(await textOf(KEPT, each));
  });

  it.each([
    [{ id: 'E9', arms: [] }, /The file is not usable: .*question/u],
    [{ id: 'E3', arms: [{ name: 'SFT' }] }, /seeds/u],
    [{ title: 'no id' }, /id/u],
    [[], /not usable/u],
  ])('names the problem with %j', (data, message) => {
    expect(() => reportOf('The file', data)).toThrow(message);
  });
});
