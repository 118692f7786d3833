/** The README's examples print what it says they print. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lab } from './lab.ts';

/** Commands that need no training. */
const QUICK = new Set(['answer', 'report', 'score']);

interface Example {
  readonly args: readonly string[];
  readonly printed: readonly string[];
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-readme-'));
});
afterAll(() => rm(folder, { recursive: true }));

const examples = examplesOf(await readFile('README.md', 'utf8'));

describe('examples of the README', () => {
  it('are there', () => {
    expect(examples.map(({ args }) => args[0])).toEqual(expect.arrayContaining([...QUICK]));
  });

  it.each(examples)('$args', async ({ args, printed }) => {
    const own = args.map((arg, i) => (args[i - 1] === '--out' ? join(folder, arg) : arg));
    const { code, out } = await lab(...own, ...(own[0] === 'report' ? [] : ['--backend', 'wasm']));
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    let at = 0;
    let isGap = false;
    for (const line of printed) {
      if (line === '...') {
        isGap = true;
        continue;
      }
      const found = isGap ? lines.indexOf(line, at) : at;
      expect(lines[found] ?? `nothing after ${lines.slice(-3).join('; ')}`).toBe(line);
      at = found + 1;
      isGap = false;
    }
    if (!isGap) expect(lines.slice(at)).toEqual([]);
  });
});

/** The quick commands of all consoles, with the lines after each; variables of the shell are put in. */
function examplesOf(readme: string): Example[] {
  const consoles = [...readme.matchAll(/```console\n(.*?)```/gsu)].map(([, text]) => text ?? '');
  return consoles.flatMap((text) => {
    const variables = new Map<string, string>();
    return text.split(/^\$ /mu).flatMap((each) => {
      const [command = '', ...printed] = each.trimEnd().split('\n');
      const [, name, value] = /^([A-Z]+)='(.*)'$/u.exec(command) ?? [];
      if (name !== undefined) variables.set(name, value ?? '');
      const [, line] = /^npm run lab -- ([^#]*)/u.exec(command) ?? [];
      const args = [...(line ?? '').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/gu)].map(([, single, double, bare]) => {
        return single ?? double?.replace(/^\$([A-Z]+)$/u, (_, key: string) => variables.get(key) ?? '') ?? bare ?? '';
      });
      return printed.length > 0 && QUICK.has(args[0] ?? '') ? [{ args, printed }] : [];
    });
  });
}
