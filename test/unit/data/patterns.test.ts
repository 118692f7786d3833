/**
 * Patterns are applied to files of strangers, so none may take more than a number of steps in proportion to the text.
 * They are checked by themselves, because a slow pattern shows only on the text that was made for it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RegExpParser, visitRegExpAST } from '@eslint-community/regexpp';
import { analyse } from 'scslre';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** Rooms whose patterns see what files hold; those of `ui` see addresses and texts of the lab's own. */
const ROOMS = readdirSync('src', { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() && entry.name !== 'ui' ? [join('src', entry.name)] : [],
);

/**
 * Slow patterns that see only what the person in front of the screen types, a line of it; the last repeats one
 * character.
 */
const TYPED: ReadonlySet<string> = new Set([
  'src/checkpoint/checkpoint-file.ts /^[.-]+|[.-]+$/gu',
  String.raw`src/protocol/grade-meanings.ts /^(>=|>|<=|<)\s*(.+)$/u`,
  String.raw`src/protocol/grade-meanings.ts /^\s*(?:"((?:[^"]|"")+)"|(?=\S)((?:[<>]=)?(?:[^"=,]|(?<=\d),(?=\d))+?))\s*=\s*(\d+|none)\s*(?:,|$)/iu`,
  String.raw`src/relevance/piar/piar-endpoint.ts /\/+$/u`,
  String.raw`src/sessions/imported-model.ts /^(.*?)([^/\\]*)$/su`,
  String.raw`src/data/files/delimited-records.ts /^\ufeff*"?sep=(.)"?\1*$/iu`,
]);

function patternsIn(path: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest));
  return found;
}

/** Why a pattern may take more steps than a text has characters, for some constant; empty if it cannot. */
function slowness(pattern: string): string[] {
  const parsed = new RegExpParser().parseLiteral(pattern);
  const found = analyse(parsed).reports.map(({ type }): string => type);
  // A search starts anew at each place where the beginning matches, and reads to the end of the text.
  let isRepeated = false;
  visitRegExpAST(parsed, {
    onBackreferenceEnter: () => void found.push('a reference to what was matched'),
    onQuantifierEnter: ({ element, max, start }) => {
      const isAll =
        (element.type === 'CharacterClass' && element.raw === String.raw`[\s\S]`) ||
        (element.type === 'CharacterSet' && element.kind === 'any' && parsed.flags.dotAll);
      const isLast = /^\)*\/[a-z]*$/u.test(pattern.slice(start + element.raw.length + (max === Infinity ? 1 : 0)));
      if (isAll && max === Infinity && !isLast && !pattern.startsWith('/^')) isRepeated = true;
    },
  });
  return isRepeated ? [...found, 'a repetition of anything before something else'] : found;
}

describe('patterns that see files', () => {
  it('finds the slow ones', () => {
    for (const slow of [
      String.raw`/<docno>\s*([^<]*?)\s*<\/docno>/iu`,
      '/<[^>]*>/gu',
      String.raw`/<(title|h3)>([\s\S]*?)<\/\1>/iu`,
      String.raw`/<docno>[\s\S]*?<\/docno>/iu`,
      '/<a>.*<b>/su',
      '/0+$/u',
    ]) {
      expect(slowness(slow), slow).not.toEqual([]);
    }
    for (const fast of ['/<docno>([^<]*)<\\/docno>/iu', '/<[^<>]*>/gu', '/#(.*)/su', String.raw`/^a([\s\S]*)$/u`]) {
      expect(slowness(fast), fast).toEqual([]);
    }
  });

  it('none takes more than a number of steps in proportion to the text', () => {
    const paths = ROOMS.flatMap((room) =>
      readdirSync(room, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => join(room, name)),
    );
    const all = paths.flatMap((path) => patternsIn(path).map((pattern) => ({ path, pattern })));
    const slow = all.flatMap(({ path, pattern }) =>
      slowness(pattern).map((why) => [`${path} ${pattern}`, why] as const),
    );
    expect(all.length).toBeGreaterThan(50);
    expect(slow.filter(([which]) => !TYPED.has(which))).toEqual([]);
    expect([...TYPED].filter((which) => !slow.some(([other]) => other === which))).toEqual([]);
  });
});
