/** Threads of two tabs with the same file open: what one changes is neither lost nor overwritten by the other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { ALL_MODEL_FILES } from '../../../../src/infer/lab-model.ts';
import type { Correction, FileScoringEvent } from '../../../../src/protocol/files.ts';
import type { Learning } from '../../../../src/protocol/learning.ts';
import { FilesService } from '../../../../src/sessions/files/files-service.ts';
import { MemoryJudged } from '../memory-judged.ts';

const FILE = 'file-1';
const CSV = [
  'query,docId,title,grade',
  ...Array.from(
    { length: 1100 },
    (_, i) => `steel thing${i % 90},d${i},${i % 2 === 0 ? 'Steel' : 'Box'} ${i},${i % 4}`,
  ),
].join('\n');

async function tab(judged: MemoryJudged): Promise<FilesService> {
  const service = new FilesService({ wasmPaths: '', openStore: () => Promise.resolve({ judged }) });
  if (judged.kept.size > 0) {
    await service.open(FILE);
    return service;
  }
  await service.add({ files: [{ name: 'pairs.csv', blob: new Blob([CSV]) }] });
  await service.map({}, '', true);
  await prepare(service);
  await service.begin(0);
  return service;
}

/** Prepares rules, which need no backend. */
async function prepare(service: FilesService): Promise<void> {
  const files = Object.fromEntries(
    ALL_MODEL_FILES.map((name) => [name, new Uint8Array(readFileSync(join('public/models/general', name)))]),
  );
  const load = { source: { kind: 'files', files }, backend: 'auto' } as const;
  await service.prepare({ choice: { kind: 'rules', id: 'general' }, load }, () => undefined);
}

async function score(service: FilesService): Promise<FileScoringEvent | undefined> {
  const events: FileScoringEvent[] = [];
  await service.score((event) => void events.push(event));
  return events.at(-1);
}

function said(row: number, label: number | null, author: string): Correction {
  return { row, label, author, at: row };
}

describe('a file that is open in two tabs', () => {
  it('has the corrections of both, in each of them, and each takes its own back', async () => {
    const judged = new MemoryJudged();
    const here = await tab(judged);
    await score(here);
    const there = await tab(judged);
    await there.table();
    const [a, b, c] = [said(2, 3, 'Ada'), said(3, 0, 'Bo'), said(4, null, 'Ada')];
    await Promise.all([here.correct(a), there.correct(b)]);
    await here.correct(c);
    for (const service of [here, there]) {
      expect(await service.catchUp()).toEqual({ corrections: [a, b, c], isOther: false });
      expect(await (await service.exportFile('csv')).file.text()).toMatch(/d1,Box 1,1,.*,Bo,/u);
    }
    const pairs = async (service: FilesService): Promise<string> => (await service.exportFile('pairs')).file.text();
    expect(await pairs(here)).toBe(await pairs(there));
    await here.undoCorrection(c);
    await there.undoCorrection(b);
    await there.undoCorrection(b); // once
    expect((await here.table()).corrections).toEqual([a]);
    // A thread that ended may have stored what is given again to the next.
    await here.correct(a);
    expect((await there.catchUp()).corrections).toEqual([a]);
  });

  it('takes neither scores, grades, columns nor a start from one that has not seen how the other reads it', async () => {
    const judged = new MemoryJudged();
    const here = await tab(judged);
    judged.onScores = () => void here.pause();
    expect(await score(here)).toEqual({ kind: 'ended', state: 'paused' });
    const there = await tab(judged);
    await there.map({}, '0=0,1=0,2=1,3=1', true);
    const before = structuredClone(judged.kept.get(FILE));
    expect((await here.catchUp()).isOther).toBe(true);
    expect(await score(here)).toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/in another tab/u) as unknown,
    });
    for (const change of [
      () => here.correct(said(2, 3, 'Ada')),
      () => here.map({ brand: 'title' }, '', true),
      () => here.begin(0),
    ]) {
      await expect(change()).rejects.toThrow(/changed in another tab meanwhile/u);
    }
    expect(judged.kept.get(FILE)).toEqual(before);
    const opened = await here.open(FILE);
    expect(opened.grades).toBe('0=0,1=0,2=1,3=1');
    expect((await here.catchUp()).isOther).toBe(false);
  });

  it('is not scored on from where another tab is not any more', async () => {
    const judged = new MemoryJudged();
    const here = await tab(judged);
    judged.onScores = () => void here.pause();
    await score(here);
    judged.onScores = () => undefined;
    const there = await tab(judged);
    await prepare(there);
    expect(await score(there)).toEqual({ kind: 'ended', state: 'done' });
    const { scores } = await there.table();
    expect(await score(here)).toMatchObject({ kind: 'failed', code: 'bad-config' });
    await here.open(FILE);
    expect((await here.table()).scores).toEqual(scores);
    expect((await here.table()).scoring.state).toBe('done');
  });

  it('keeps the lesson that was begun first', async () => {
    const judged = new MemoryJudged();
    const here = await tab(judged);
    const there = await tab(judged);
    const lesson = (runId: string, checkpointId: string | null): Learning => {
      const from = { kind: 'bundled', id: 'general' } as const;
      return { runId, name: runId, from, fromName: 'general', pairs: 1, queries: 1, heldOut: [], checkpointId, comparison: null }; // prettier-ignore
    };
    await here.keepLearning(FILE, lesson('first', null));
    await expect(there.keepLearning(FILE, lesson('second', null))).rejects.toThrow(/begun in another tab/u);
    expect(await there.learning()).toEqual(lesson('first', null));
    await here.keepLearning(FILE, lesson('first', 'learned'));
    expect((await there.learning())?.checkpointId).toBe('learned');
    await there.keepLearning(FILE, null);
    await there.keepLearning(FILE, lesson('second', null));
    expect((await here.learning())?.runId).toBe('second');
  });
});
