/**
 * The thread behind the Files view on the general model: the numbers of the command line, nothing lost or doubled by a
 * break, and exports that bring everything back out.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedLabel } from '../../../../src/relevance/pair/labels.ts';
import type { FileTable } from '../../../../src/protocol/files.ts';
import { readDataSet } from '../../../../src/data/files/data-set-reader.ts';
import { lab } from '../../cli/lab.ts';
import { given, rowsIn } from '../../data/kinds/given.ts';
import { MemoryJudged } from '../memory-judged.ts';
import { blobOf, exported, pairsCsv, prepare, prepareRules, score, serviceOn, undoAll } from './scored-file.ts';

/** A proof whose window has another hash, with a result that agrees with it. */
function forgeProof(proof: { result: { windows: string[] } }, window: number): string {
  const windows = proof.result.windows.map((hash, i) => (i === window ? hash.replaceAll(/./gu, 'a') : hash));
  const sha256 = createHash('sha256').update(windows.join('\n')).digest('hex');
  return JSON.stringify({ ...proof, result: { sha256, windows } });
}

describe('a file in the page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'afrl-lab-files-'));
  const csv = pairsCsv(1300);
  const judged = new MemoryJudged();
  const service = serviceOn(judged);
  let table: FileTable;
  beforeAll(async () => {
    const { failure, survey } = await service.add({ files: [{ name: 'pairs.csv', blob: blobOf(csv) }] });
    expect(failure).toBeNull();
    expect(survey).toMatchObject({ pairs: 1300, refused: 0 });
    await service.map({}, '', true);
    await prepare(service);
    await service.begin(0);
    expect((await score(service)).at(-1)).toEqual({ kind: 'ended', state: 'done' });
    table = await service.table();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('gets the numbers of the command line', async () => {
    const [path, out] = [join(folder, 'pairs.csv'), join(folder, 'scored.jsonl')];
    writeFileSync(path, csv);
    const { code, out: printed } = await lab('score', path, '--out', out, '--json', '--backend', 'wasm');
    expect(code).toBe(0);
    const rows = readFileSync(out, 'utf8').trimEnd().split('\n');
    const cli = rows.map((line) => JSON.parse(line) as Record<string, unknown>);
    const lines = (await exported(service, 'jsonl')).trimEnd().split('\n');
    const page = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(page.map(({ lab_label, lab_score, lab_confidence }) => [lab_label, lab_score, lab_confidence])).toEqual(
      cli.map(({ label, score: s, confidence }) => [label, s, confidence]),
    );
    const ownOf = ({ Custodian, Price, Remark }: Record<string, unknown>): unknown => [Custodian, Price, Remark];
    expect(cli.map(ownOf)).toEqual(page.map(ownOf));
    expect(cli[0]).toMatchObject({ Custodian: '-0', Price: '0.50' });
    const summary = JSON.parse(printed.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    const measures = await service.measure();
    expect({
      graded: measures?.graded,
      accuracy: measures?.accuracy.value,
      kappa: measures?.kappa.value,
      ndcg10: measures?.ndcg10.value,
      pairAccuracy: measures?.pairAccuracy.value,
      bm25: { ndcg10: measures?.bm25Ndcg10.value, pairAccuracy: measures?.bm25PairAccuracy.value },
    }).toEqual({
      graded: summary['graded'],
      accuracy: summary['accuracy'],
      kappa: summary['quadraticWeightedKappa'],
      ndcg10: summary['ndcg10'],
      pairAccuracy: summary['pairAccuracy'],
      bm25: summary['bm25'],
    });
  });

  it('resumes after a break to the same scores, none twice and none missing', async () => {
    const broken = new MemoryJudged();
    let first = serviceOn(broken);
    const { entry } = await first.add({ files: [{ name: 'pairs.csv', blob: blobOf(csv) }] });
    await prepare(first);
    await first.begin(0);
    for (const stopAfter of [1, 2]) {
      broken.onScores = (batches) => {
        if (batches === stopAfter) void first.pause();
      };
      expect((await score(first)).at(-1)).toEqual({ kind: 'ended', state: 'paused' });
      // A new thread knows what was kept and no more.
      first = serviceOn(broken);
      const opened = await first.open(entry.id);
      expect(opened.entry).toMatchObject({ scored: stopAfter * 512, scoring: { state: 'paused', pairs: 1300 } });
      await prepare(first);
    }
    broken.onScores = () => undefined;
    expect((await score(first)).at(-1)).toEqual({ kind: 'ended', state: 'done' });
    expect((await first.table()).scores).toEqual(table.scores);
    expect(await exported(first, 'csv')).toBe(await exported(service, 'csv'));
    expect(table.scores.flatMap(({ places }) => [...places])).toEqual(Array.from({ length: 1300 }, (_, i) => i));
  });

  it('keeps corrections as a layer with author and time, and takes the last one back', async () => {
    const golds = [...table.golds];
    // Keys come faster than anything is kept.
    await Promise.all([
      service.correct({ row: 4, label: 3, author: 'a judge', at: 5 }),
      service.correct({ row: 4, label: 1, author: 'another', at: 6 }),
    ]);
    const again = serviceOn(judged);
    await again.open('file-1');
    expect((await again.table()).corrections).toHaveLength(2);
    expect([...(await again.table()).golds]).toEqual(golds);
    const line = (await exported(service, 'jsonl')).split('\n')[2] ?? '';
    expect(JSON.parse(line)).toMatchObject({ lab_correction: 1, lab_corrected_by: 'another' });
    await service.undoCorrection({ row: 4, label: 1, author: 'another', at: 6 });
    expect((await service.table()).corrections.map(({ label }) => label)).toEqual([3]);
    await service.undoCorrection({ row: 4, label: 3, author: 'a judge', at: 5 });
    await service.undoCorrection({ row: 4, label: 3, author: 'a judge', at: 5 });
    expect((await service.table()).corrections).toEqual([]);
  });

  it('brings own columns back out: ids and numbers exactly, with the mark of UTF-8, and formulas only made harmless', async () => {
    const [head = '', ...lines] = (await exported(service, 'csv')).trimEnd().split('\r\n');
    expect(head).toMatch(/^\uFEFFquery,docId,Custodian,title,Remark,grade,Price,lab_label,/u);
    expect(lines).toHaveLength(1300);
    expect(lines[3]).toMatch(/,003,-3,[^,]+,'=1\+1,[0-3]?,3\.50,/u);
  });

  it('has a reason where the rules of the model lead to its label, and none for other labels', async () => {
    const places = Array.from({ length: 300 }, (_, place) => place);
    const reasons = await service.reasonsAt(places);
    await prepareRules(service);
    await expect(service.reasonsAt(places)).rejects.toThrow(/computed by another model/u);
    const ruled = serviceOn(new MemoryJudged());
    await ruled.add({ files: [{ name: 'pairs.csv', blob: blobOf(csv) }] });
    await ruled.map({}, '', true);
    await prepareRules(ruled);
    await ruled.begin(0);
    await score(ruled);
    const labelsOf = ({ scores }: FileTable): number[] =>
      scores.flatMap(
        ({ places: some, probabilities }) =>
        [...some].map((_, i) => [0, 1, 2, 3].reduce((best, label) => ((probabilities[4 * i + label] ?? 0) > (probabilities[4 * i + best] ?? 0) ? label : best))), // prettier-ignore
      );
    const [own, byRules, said] = [labelsOf(table), labelsOf(await ruled.table()), await ruled.reasonsAt(places)];
    expect(reasons).toEqual(places.map((place) => (own[place] === byRules[place] ? said[place] : null)));
    expect(reasons.filter((reason) => reason !== null).length).toBeGreaterThan(50);
    expect(reasons.filter((reason) => reason === null).length).toBeGreaterThan(5);
    const again = await prepare(service);
    expect(again.msPerPair).toBeGreaterThan(0);
    expect((await service.table()).scoring.msPerPair).toBeUndefined();
  });

  it('writes runs and judgments that belong together', async () => {
    const run = (await exported(service, 'run'))
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' '));
    const qrels = (await exported(service, 'qrels'))
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' '));
    expect(run).toHaveLength(1300);
    expect(run.every(({ length }) => length === 6)).toBe(true);
    expect(qrels).toHaveLength(table.golds.filter((gold) => gold >= 0).length);
    const inRun = new Set(run.map(([query, , docId]) => `${query} ${docId}`));
    expect(qrels.every(([query, , docId]) => inRun.has(`${query} ${docId}`))).toBe(true);
  });

  it('gives the judged pairs under their corrected grades, for training', async () => {
    await service.correct({ row: 2, label: 2, author: 'judge', at: 1 });
    await service.correct({ row: 3, label: null, author: 'judge', at: 2 });
    const pairs = (await exported(service, 'pairs')).trimEnd();
    await undoAll(service);
    const { dataSet } = await readDataSet([
      {
        name: 'judged.jsonl',
        open: async function* open() {
          yield await Promise.resolve(new TextEncoder().encode(pairs));
        },
      },
    ]);
    const expected = [...table.golds].map((gold, place) => (place === 0 ? 2 : place === 1 ? -1 : gold));
    // Pairs without a grade stand in the lists of the others.
    expect(dataSet.pairs.map(({ grade }) => (grade === 'none' ? -1 : Number(grade)))).toEqual(expected);
    expect(dataSet.pairs[0]?.document.docId).toBe('000');
  });

  it('gives a proof that the page and the command line check by scoring again', async () => {
    const proof = await exported(service, 'proof');
    expect(JSON.parse(proof)).toMatchObject({
      backend: 'wasm',
      adapter: expect.stringMatching(/WebAssembly/u) as unknown,
    });
    const all = await service.verify(blobOf(proof), 0);
    expect(all).toEqual({ windows: 3, pairs: 1300, of: 1300, hasMore: false, different: [] });
    expect((await service.verify(blobOf(proof), 1)).windows).toBe(1);
    const [path, proofPath] = [join(folder, 'pairs.csv'), join(folder, 'pairs.proof.json')];
    writeFileSync(path, csv);
    writeFileSync(proofPath, proof);
    const held = await lab('verify', proofPath, '--all');
    expect(held.code, held.err).toBe(0);
    expect(held.out).toMatch(/1,300 of 1,300 pairs scored again on wasm: all scores are the same/u);

    const { result, ...rest } = JSON.parse(proof) as { result: { windows: string[] } };
    const forged = forgeProof({ ...rest, result }, 1);
    expect((await service.verify(blobOf(forged), 0)).different).toEqual([{ firstRow: 514, lastRow: 1025 }]);
    writeFileSync(proofPath, forged);
    const refused = await lab('verify', proofPath, '--all');
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/others in rows 514 to 1025/u);
    await expect(service.verify(blobOf(proof.replace('"windows": [', '"windows": [ "00",')), 0)).rejects.toThrow(
      /no proof/u,
    );
    writeFileSync(path, `${csv}x,1,2,y,z,1,2\n`);
    writeFileSync(proofPath, proof);
    expect((await lab('verify', proofPath)).err).toMatch(/The file pairs\.csv is not that of the proof/u);
  });

  it('is scored again without a piece of evidence, with the standing that is left', async () => {
    const scored = table.scores.flatMap(({ places, probabilities }) =>
      [...places].map((place, i) => ({
        place,
        relevance: expectedLabel([...probabilities.subarray(4 * i, 4 * i + 4)]),
      })),
    );
    const words = await Promise.all(scored.slice(0, 60).map(({ place }) => service.without(place, [])));
    const shared = words.findIndex((one) => one.words.length === 2);
    expect(words[shared]).toMatchObject({ probabilities: null });
    const { words: both = [] } = words[shared] ?? {};
    const without = await service.without(shared, both);
    expect(without.probabilities?.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    expect(expectedLabel(without.probabilities ?? [])).toBeLessThan(scored[shared]?.relevance ?? 0);
    expect((await service.without(shared, both)).probabilities).toEqual(without.probabilities);
    await expect(service.without(shared, ['nowhere'])).rejects.toThrow(/nothing of this evidence/u);
    await expect(service.without(9999, [])).rejects.toThrow(/no pair 9999/u);
  });

  it('says how far judges agree, and keeps what each has said', async () => {
    expect((await service.measure())?.judges).toEqual([]);
    const said: [row: number, label: number | null, author: string][] = [
      [2, 1, 'Ada'],
      [2, 2, 'Bo'],
      [3, 3, 'Ada'],
      [3, 3, 'Bo'],
      [4, table.golds[2] ?? 0, 'Ada'],
    ];
    for (const [i, [row, label, author]] of said.entries()) await service.correct({ row, label, author, at: i });
    const measures = await service.measure();
    expect(measures?.judges[0]).toMatch(/^3 judges, \d pairs with two or more: the file [\d,]+, Ada 3, Bo 2\.$/u);
    expect(measures?.judges).toContainEqual(expect.stringMatching(/^Ada and Bo: 50 % the same on 2/u));
    const rows = (await exported(service, 'jsonl')).trimEnd().split('\n').slice(0, 3);
    const judgments = rows.map((line) => (JSON.parse(line) as Record<string, unknown>)['lab_judgments']);
    expect(judgments.slice(0, 2)).toEqual(['Ada: partial; Bo: substantial', 'Ada: exact; Bo: exact']);
    // A grade that is given again is confirmed, and corrects nothing.
    expect(JSON.parse(rows[2] ?? '')).toMatchObject({ lab_correction: null, lab_corrected_by: null });
    expect(await exported(service, 'quepid')).toMatch(/^query,docid,rating\r\n[^\r]+,000,2\r\n/u);
    await undoAll(service);
    expect((await service.measure())?.abstention).toHaveLength(100);
  });

  it('is checked by a proof only while nothing else works with its model, and stops for what does', async () => {
    const proof = blobOf(await exported(service, 'proof'));
    const checking = service.verify(proof, 0);
    await expect(service.verify(proof, 0)).rejects.toThrow(/scored or checked already/u);
    expect(await score(service)).toEqual([expect.objectContaining({ kind: 'failed', code: 'bad-config' })]);
    const [stopped, first, second] = await Promise.allSettled([checking, prepare(service), prepare(service)]);
    expect(stopped).toMatchObject({ status: 'rejected', reason: { code: 'aborted' } });
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'aborted' } });
    expect(second.status).toBe('fulfilled');
    expect((await service.verify(proof, 1)).different).toEqual([]);
  });

  it('of which a proof has the first pairs alone is said to have more', async () => {
    const whole = JSON.parse(await exported(service, 'proof')) as { result: { windows: string[] } };
    const windows = whole.result.windows.slice(0, 2);
    const sha256 = createHash('sha256').update(windows.join('\n')).digest('hex');
    const part = JSON.stringify({ ...whole, pairs: 1024, result: { sha256, windows } });
    expect(await service.verify(blobOf(part), 1)).toMatchObject({ windows: 1, of: 1024, hasMore: true, different: [] });
    const none = JSON.stringify({
      ...whole,
      pairs: 0,
      result: { sha256: createHash('sha256').update('').digest('hex'), windows: [] },
    });
    await expect(service.verify(blobOf(none), 0)).rejects.toThrow(/no proof/u);
    const other = JSON.stringify({ ...whole, precision: 'f8' });
    await expect(service.verify(blobOf(other), 0)).rejects.toThrow(/no proof/u);
  });

  it('gives Parquet with its own columns as text, and a report that is text alone', async () => {
    const { file } = await service.exportFile('parquet');
    const rows = await rowsIn(given('x.parquet', new Uint8Array(await file.arrayBuffer())));
    const lines = (await exported(service, 'jsonl')).trimEnd().split('\n');
    const own = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows).toHaveLength(own.length);
    expect(rows[3]).toMatchObject({ docId: '003', Remark: '=1+1', lab_score: own[3]?.['lab_score'] });
    const html = await exported(service, 'html');
    expect(html).toMatch(/^<!doctype html>/u);
    expect(html).not.toMatch(/<script|https?:|src=|url\(/u);
    expect(html).toContain('NDCG@10, beside BM25');
  });

  it('takes over what was said of a file of the same shape, and says that a column is kept as it is', async () => {
    const next = await service.add({ files: [{ name: 'next.csv', blob: blobOf(pairsCsv(3)) }] });
    expect(next).toMatchObject({ isRemembered: true, isMapped: false });
    const mapped = await service.map({ grade: '' }, '', false);
    expect(mapped.previews[0]?.columns.find(({ name }) => name === 'grade')?.role).toBeNull();
    expect(mapped.survey?.grades).toEqual([]);
  });
});
