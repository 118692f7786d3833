/**
 * Rules of a file in the page: those that `lab piar` finds, with the labels of `lab score --rules-alone`; edited, kept
 * and told apart from those that have scored.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RulesProgress, RulesRequest, RulesState, ShownRules } from '../../../../src/protocol/file-rules.ts';
import type { FileScoringEvent } from '../../../../src/protocol/files.ts';
import { OWN_RULES } from '../../../../src/protocol/model-choice.ts';
import { readInstruction } from '../../../../src/relevance/rules/instruction-text.ts';
import { instructionFromJson } from '../../../../src/relevance/rules/instruction.ts';
import { makeRuleWorld } from '../../../../src/relevance/world/rule-world.ts';
import { FilesService } from '../../../../src/sessions/files/files-service.ts';
import { lab } from '../../cli/lab.ts';
import { MemoryJudged } from '../memory-judged.ts';

const FILE = 'judged.jsonl';
const PAIRS = [...makeRuleWorld({ trainQueries: 60 }).pairs('train')]
  .map(({ query, label, document }) => JSON.stringify({ query, grade: label, document }))
  .join('\n');

function serviceOn(judged: MemoryJudged): FilesService {
  return new FilesService({ wasmPaths: '', openStore: () => Promise.resolve({ judged }) });
}

async function opened(judged = new MemoryJudged(), text = PAIRS): Promise<FilesService> {
  const service = serviceOn(judged);
  await service.add({ files: [{ name: FILE, blob: new Blob([text]) }] });
  await service.map({}, '', true);
  return service;
}

const ask = (service: FilesService, request: RulesRequest): Promise<RulesState> =>
  service.rules(request, () => undefined);

function shown({ rules }: RulesState): ShownRules {
  if (rules === null) throw new Error('There are no rules.');
  return rules;
}

async function scored(service: FilesService): Promise<FileScoringEvent | undefined> {
  await service.prepare({ choice: OWN_RULES, load: null }, () => undefined);
  await service.begin(0);
  return goOn(service);
}

async function goOn(service: FilesService): Promise<FileScoringEvent | undefined> {
  const events: FileScoringEvent[] = [];
  await service.score((event) => void events.push(event));
  return events.at(-1);
}

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('rules found in the grades of a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'afrl-lab-own-rules-'));
  const judged = new MemoryJudged();
  const progress: RulesProgress[] = [];
  let service: FilesService;
  let found: RulesState;
  beforeAll(async () => {
    writeFileSync(join(folder, FILE), PAIRS);
    service = await opened(judged);
    found = await service.rules({ kind: 'find' }, (event) => void progress.push(event));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are those of lab piar, with its figures and a count for each rule that adds up', async () => {
    const out = join(folder, 'piar');
    const { code, err, out: said } = await lab('piar', join(folder, FILE), '--out', out);
    expect(code, err).toBe(0);
    const { finding, measured, lines, text } = shown(found);
    const theirs = instructionFromJson(readFileSync(join(out, 'instruction.json'), 'utf8'));
    expect(readInstruction(text)).toEqual({ ...theirs, name: FILE });
    expect(finding).toMatchObject({ propose: { queries: 35 }, accept: { queries: 12 }, report: { queries: 12 } });
    const { before = 0, after = 0, report = { pairs: 1 } } = finding ?? {};
    const [first, last] = [before, after].map((right) => (right / report.pairs).toFixed(3));
    expect(said).toContain(`test accuracy ${first} -> ${last} on 12 queries, ${report.pairs} pairs`);
    expect(finding?.after).toBeGreaterThan(finding?.majority ?? Infinity);
    expect(found.judged).toEqual({ pairs: 360, queries: 59 });
    const sum = (of: 'decides' | 'wrong'): number =>
      lines.reduce((all, { measured: each }) => all + (each?.[of] ?? 0), 0);
    expect(sum('decides')).toBe(360 - (measured?.undecided ?? 0));
    expect(sum('decides') - sum('wrong')).toBe(measured?.right);
    const rounds = progress.map(({ round }) => round?.round ?? null);
    expect(rounds).toEqual([null, ...Array.from({ length: finding?.rounds ?? 0 }, (_, i) => i)]);
  }, 60_000);

  it('give the labels, scores and reasons of the command line, by which both know them', async () => {
    const own = join(folder, 'own');
    mkdirSync(own);
    for (const part of ['instruction', 'lexicon'] as const) {
      const { fileName, file } = await service.rulesFile(part);
      writeFileSync(join(own, fileName), await file.text());
    }
    const out = join(folder, 'scored.jsonl');
    const rules = join(own, 'instruction.txt');
    const { code, err } = await lab('score', join(folder, FILE), '--rules-alone', rules, '--reason', '--out', out);
    expect(code, err).toBe(0);
    expect(await scored(service)).toEqual({ kind: 'ended', state: 'done' });
    const cli = linesOf(readFileSync(out, 'utf8'));
    const page = linesOf(await (await service.exportFile('jsonl')).file.text());
    expect(page.map(({ lab_label, lab_score }) => [lab_label, lab_score])).toEqual(
      cli.map(({ label, score }) => [label, score]),
    );
    const explained = await Promise.all(cli.map((_, place) => service.explain(place)));
    expect(explained.map((one) => one?.sentences.join(' '))).toEqual(cli.map(({ reason }) => reason));
    const { scoring } = await service.table();
    expect(scoring).toMatchObject({ modelName: `rules of ${FILE}`, modelHash: shown(found).hash, choice: OWN_RULES });
    expect(scoring.warnings.join(' ')).toMatch(/found in the grades of this file/u);
    const again = await lab('piar', join(folder, FILE), '--start', rules, '--rounds', '1', '--out', join(folder, 'on'));
    expect(again.code, again.err).toBe(0);
  }, 60_000);

  it('are there after a reload, with the scores; a damaged copy of them costs nothing else', async () => {
    const later = serviceOn(judged);
    await later.open('file-1');
    expect(shown(await ask(later, { kind: 'look' }))).toEqual(shown(found));
    expect((await later.table()).scores.length).toBeGreaterThan(0);
    const broken = new MemoryJudged();
    await opened(broken);
    await broken.update('file-1', { rules: { rules: 'none' } });
    const after = serviceOn(broken);
    expect((await after.open('file-1')).survey?.pairs).toBe(360);
    expect(await ask(after, { kind: 'look' })).toMatchObject({ rules: null, judged: { pairs: 360 } });
  });
});

describe('rules of a file', () => {
  it('are measured after each change, which can be taken back', async () => {
    const service = await opened();
    const found = shown(await ask(service, { kind: 'find' }));
    expect(found.edited).toBeNull();
    const [first, second] = found.lines;
    const fewer = await ask(service, { kind: 'edit', edit: { kind: 'remove', id: first?.id ?? '' } });
    expect(shown(fewer).lines.map(({ id }) => id)).toEqual(found.lines.slice(1).map(({ id }) => id));
    expect(shown(fewer).edited?.pairs).toBe(found.finding?.report.pairs);
    expect(shown(fewer).hash).not.toBe(found.hash);
    expect(fewer.canUndo).toBe(true);
    expect(shown(await ask(service, { kind: 'undo' }))).toEqual(found);

    const text = found.text.replace(`rule ${second?.id}`, 'rule mine');
    expect(shown(await ask(service, { kind: 'text', text })).lines[1]?.id).toBe('mine');
    const bad = text.replace(/\n.*\n(?!.*\n.*\n)/u, '\nrule x (overall): when nothing, at most 0\n');
    await expect(ask(service, { kind: 'text', text: bad })).rejects.toThrow(/Line \d+ .* Expected a condition/u);
    expect(shown(await ask(service, { kind: 'look' })).text).toBe(text);
  });

  it('that were changed never go on with scores of those before', async () => {
    const service = await opened();
    const { lines } = shown(await ask(service, { kind: 'find' }));
    await scored(service);
    await ask(service, { kind: 'edit', edit: { kind: 'change', id: lines[0]?.id ?? '', to: { cap: 0 } } });
    await service.prepare({ choice: OWN_RULES, load: null }, () => undefined);
    expect(await goOn(service)).toMatchObject({ kind: 'failed', code: 'bad-config' });
    await expect(service.explain(0)).rejects.toThrow(/rules were changed/u);
    await ask(service, { kind: 'undo' });
    await service.prepare({ choice: OWN_RULES, load: null }, () => undefined);
    expect(await goOn(service)).toEqual({ kind: 'ended', state: 'done' });
    await service.table();
    await service.correct({ row: 1, label: null, author: 'Ada', at: 1 });
    expect((await ask(service, { kind: 'look' })).judged.pairs).toBe(359);
    await ask(service, { kind: 'discard' });
    await expect(service.prepare({ choice: OWN_RULES, load: null }, () => undefined)).rejects.toThrow(/no rules/u);
  });

  it('changed in another tab are neither lost nor overwritten: a change that has not seen them is refused', async () => {
    const judged = new MemoryJudged();
    const here = await opened(judged);
    const found = shown(await ask(here, { kind: 'find' }));
    const there = serviceOn(judged);
    await there.open('file-1');
    const remove = (rule = 0): RulesRequest => ({
      kind: 'edit',
      edit: { kind: 'remove', id: found.lines[rule]?.id ?? '' },
    });
    const theirs = await ask(there, remove(0));
    for (const change of [remove(1), { kind: 'text', text: found.text }, { kind: 'discard' }] as const) {
      const stale = serviceOn(judged);
      await stale.open('file-1');
      const between = await ask(there, { kind: 'edit', edit: { kind: 'change', id: found.lines[2]?.id ?? '', to: { cap: 0 } } }); // prettier-ignore
      await expect(ask(stale, change)).rejects.toThrow(/changed in another tab/u);
      expect(await ask(stale, { kind: 'look' })).toEqual({ ...between, canUndo: false });
      await ask(there, { kind: 'undo' });
    }
    await expect(ask(here, { kind: 'undo' })).rejects.toThrow(/changed in another tab/u);
    expect(shown(await ask(here, { kind: 'look' }))).toEqual(shown(theirs));
    const both = shown(await ask(here, remove(1)));
    expect(both.lines.map(({ id }) => id)).toEqual(found.lines.slice(2).map(({ id }) => id));
    await there.map({}, '0=0,1=0,2=1,3=1', true);
    expect(shown(await ask(there, { kind: 'look' }))).toMatchObject({ text: both.text, finding: null });
  });

  it('stay as they were where the search is stopped, or the file is closed', async () => {
    const service = await opened();
    const search = service.rules({ kind: 'find' }, () => void service.stopRules());
    await expect(search).rejects.toThrow(/Stopped/u);
    expect((await ask(service, { kind: 'look' })).rules).toBeNull();
    const closed = expect(
      service.rules({ kind: 'find' }, ({ round }) => {
        if (round === null) void service.remove('file-1');
      }),
    ).rejects.toThrow(/Stopped/u);
    await closed;
  });

  it('are what is stored, where the file is opened again in the middle of the search', async () => {
    const judged = new MemoryJudged();
    const service = await opened(judged);
    let reopened: Promise<unknown> | undefined;
    const search = service.rules({ kind: 'find' }, () => void (reopened ??= service.open('file-1')));
    await expect(search).rejects.toThrow(/Stopped/u);
    await reopened;
    const state = await ask(service, { kind: 'look' });
    const later = serviceOn(judged);
    await later.open('file-1');
    expect(await ask(later, { kind: 'look' })).toEqual(state);
    expect(shown(await ask(service, { kind: 'find' })).finding).not.toBeNull();
  });

  it('are measured after changes on the queries that the search has not seen, whatever was graded since', async () => {
    const lines = PAIRS.split('\n');
    const half = lines.map((line, i) => (i < lines.length / 2 ? line : line.replace(/"grade":\d/u, '"grade":""')));
    const service = await opened(new MemoryJudged(), half.join('\n'));
    const { finding, lines: rules } = shown(await ask(service, { kind: 'find' }));
    await scored(service);
    await service.table();
    for (let row = lines.length - 60; row < lines.length; row++)
      await service.correct({ row, label: row % 4, author: 'Ada', at: row });
    const state = await ask(service, { kind: 'edit', edit: { kind: 'remove', id: rules[0]?.id ?? '' } });
    expect(state.judged.pairs).toBe(lines.length / 2 + 60);
    expect(finding?.report.pairs).toBeGreaterThan(0);
    expect(shown(state).edited?.pairs).toBe(finding?.report.pairs);
  });

  it('are read from files, without grades too, with or without their words', async () => {
    const source = await opened();
    const { lines, text } = shown(await ask(source, { kind: 'find' }));
    const files = await Promise.all((['lexicon', 'instruction'] as const).map((part) => source.rulesFile(part)));
    const bare = PAIRS.replaceAll(/"grade":\d/gu, '"grade":""');
    const service = await opened(new MemoryJudged(), bare);
    expect(await ask(service, { kind: 'look' })).toMatchObject({ rules: null, judged: { pairs: 0 } });
    await expect(ask(service, { kind: 'find' })).rejects.toThrow(/too few queries/u);
    const named = files.map(({ fileName, file }) => ({ name: fileName, blob: file }));
    const read = shown(await ask(service, { kind: 'read', files: named }));
    expect(read).toMatchObject({ text, measured: null, finding: null, read: { isLexiconInduced: false } });
    expect(read.lines.map(({ measured }) => measured)).toEqual(lines.map(() => null));
    const alone = await ask(service, { kind: 'read', files: named.slice(1) });
    expect(shown(alone).read).toEqual({ name: 'instruction.txt', isLexiconInduced: true });
    expect(await scored(service)).toEqual({ kind: 'ended', state: 'done' });
    const wrong = [{ name: 'notes.txt', blob: new Blob(['no rules']) }];
    await expect(ask(service, { kind: 'read', files: wrong })).rejects.toThrow(/Line 1 of the instruction/u);
  });

  it('keep no figures of grades that have got another meaning', async () => {
    const service = await opened();
    const found = shown(await ask(service, { kind: 'find' }));
    await ask(service, { kind: 'edit', edit: { kind: 'remove', id: found.lines[0]?.id ?? '' } });
    await service.map({}, '0=0,1=0,2=1,3=1', true);
    expect(shown(await ask(service, { kind: 'look' }))).toMatchObject({ finding: null, measured: { pairs: 360 } });
    expect(shown(await ask(service, { kind: 'undo' }))).toMatchObject({ text: found.text, finding: null });
  });
});
