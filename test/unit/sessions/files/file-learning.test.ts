/** What a judged file teaches: the lesson of its grades and corrections, and the comparison that is kept with the file. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ALL_MODEL_FILES } from '../../../../src/infer/lab-model.ts';
import type { PrepareRequest } from '../../../../src/protocol/files.ts';
import { FilesService } from '../../../../src/sessions/files/files-service.ts';
import { normaliseQuery } from '../../../../src/data/splits.ts';
import { MemoryJudged } from '../memory-judged.ts';

const wasmFile = createRequire(import.meta.url).resolve(
  '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
);
/** The first file of a store in memory. */
const FILE = 'file-1';
const THINGS = Array.from({ length: 15 }, (_, i) => `thing${i}`);
const CSV = [
  'query,docId,title,grade',
  ...THINGS.flatMap((thing) => [`steel ${thing},${thing}a,Steel ${thing},3`, `steel ${thing},${thing}b,Box,0`]),
  ...THINGS.map((thing) => `steel ${thing},${thing}c,Blue ${thing},`),
  'never graded,x,Steel box,',
].join('\n');

function requestFor(kind: 'bundled' | 'rules'): PrepareRequest {
  const files = Object.fromEntries(
    ALL_MODEL_FILES.map((name) => [name, new Uint8Array(readFileSync(join('public/models/general', name)))]),
  );
  return { choice: { kind, id: 'general' }, load: { source: { kind: 'files', files }, backend: 'wasm' } };
}

async function scored(judged: MemoryJudged, kind: 'bundled' | 'rules'): Promise<FilesService> {
  const service = new FilesService({
    wasmPaths: `${dirname(wasmFile)}/`,
    openStore: () => Promise.resolve({ judged }),
  });
  await service.add({ files: [{ name: 'pairs.csv', blob: new Blob([CSV]) }] });
  await service.map({}, '', true);
  await service.prepare(requestFor(kind), () => undefined);
  await service.begin(0);
  await service.score(() => undefined);
  return service;
}

describe('a lesson', () => {
  const judged = new MemoryJudged();
  let service: FilesService;
  beforeAll(async () => {
    service = await scored(judged, 'bundled');
    await service.correct({ row: 32, label: 1, author: 'Ada', at: 1 }); // the blue thing0
    await service.correct({ row: 2, label: null, author: 'Ada', at: 2 }); // the first pair has no grade any more
  });

  it('has the corrected grades, whole lists, and a fifth of the queries held out', async () => {
    const { learning, file, grades } = await service.lesson();
    const lines = (await file.blob.text()).trimEnd().split('\n');
    const pairs = lines.map((line) => JSON.parse(line) as { query: string; grade: number | string });
    expect(pairs).toHaveLength(46);
    expect(pairs.filter(({ grade }) => grade !== 'none').map(({ grade }) => grade)).toHaveLength(30);
    expect(pairs[30]?.grade).toBe(1);
    expect(pairs[0]?.grade).toBe('none');
    expect(grades).toBe('0=0,1=1,2=2,3=3');
    expect(learning).toMatchObject({ fromName: 'general', queries: 12, checkpointId: null, comparison: null });
    expect(learning.heldOut).toHaveLength(3);
    expect(learning.heldOut.every((query) => pairs.some((pair) => normaliseQuery(pair.query) === query))).toBe(true);
    expect(learning.heldOut).not.toContain('never graded');
  });

  it('is kept with the file, compared on what was held out, and void under other columns', async () => {
    const { learning } = await service.lesson();
    await service.keepLearning(FILE, { ...learning, checkpointId: 'c1' });
    const { comparison } = await service.compare(requestFor('bundled'), () => undefined, FILE);
    expect(comparison).toMatchObject({ queries: 3, isPreliminary: true });
    // The same model is no better than itself, and both are measured.
    expect(comparison?.difference.accuracy).toEqual({ value: 0, low: 0, high: 0 });
    expect(comparison?.before).toEqual(comparison?.after);
    expect(comparison?.before.ndcg10.value).toBeGreaterThan(0);
    const other = new FilesService({ wasmPaths: '', openStore: () => Promise.resolve({ judged }) });
    await other.open((await service.list()).entries[0]?.id ?? '');
    expect((await other.learning())?.comparison).toEqual(comparison);
    await other.map({ grade: '' }, '', true);
    expect(await other.learning()).toBeNull();
  });

  it('is compared with nothing but the finished scores of the model that it began with, on its own file', async () => {
    const own = new MemoryJudged();
    const scorer = await scored(own, 'bundled');
    const { learning } = await scorer.lesson();
    const compare = (fileId = FILE): Promise<unknown> => scorer.compare(requestFor('bundled'), () => undefined, fileId);
    await scorer.keepLearning(FILE, { ...learning, from: { kind: 'checkpoint', id: 'other' }, fromName: 'other' });
    await expect(compare()).rejects.toThrow(/another model scores .*scores of other.*scores of general/su);
    await scorer.keepLearning(FILE, learning);
    await expect(compare('file-2')).rejects.toMatchObject({ code: 'aborted' });
    await scorer.prepare(requestFor('bundled'), () => undefined);
    await scorer.begin(0);
    await expect(compare()).rejects.toThrow(/not scored to its end.*Continue scoring/su);
  });

  it('is kept with its own file when another one is open', async () => {
    const two = new MemoryJudged();
    const scorer = await scored(two, 'bundled');
    const { learning } = await scorer.lesson();
    const { entry } = await scorer.add({ files: [{ name: 'other.csv', blob: new Blob([CSV.replace('Box', 'Bag')]) }] });
    await scorer.keepLearning(FILE, learning);
    expect(await scorer.learning()).toBeNull();
    expect(two.kept.get(entry.id)?.record.learning).toBeUndefined();
    await scorer.open(FILE);
    expect(await scorer.learning()).toEqual(learning);
  });

  it('is refused where rules score the file', async () => {
    const ruled = await scored(new MemoryJudged(), 'rules');
    await expect(ruled.lesson()).rejects.toThrow(/Rules do not learn/u);
  });
});
