/** A file that rules score alone, in the thread of the Files view. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs';
import { afterAll, describe, expect, it } from 'vitest';
import { lab } from '../../cli/lab.ts';
import { MemoryJudged } from '../memory-judged.ts';
import { blobOf, exported, pairsCsv, prepareRules, score, serviceOn } from './scored-file.ts';

describe('a file in the page that rules score alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'afrl-lab-rules-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('gets the labels and reasons of the command line, and no proof', async () => {
    const csv = pairsCsv(700);
    const service = serviceOn(new MemoryJudged());
    await service.add({ files: [{ name: 'pairs.csv', blob: blobOf(csv) }] });
    await service.map({}, '', true);
    await prepareRules(service);
    const { scoring } = await service.begin(0);
    expect(scoring).toMatchObject({ modelName: 'rules of general', givesReasons: true, trainedOn: null });
    expect((await score(service)).at(-1)).toEqual({ kind: 'ended', state: 'done' });
    const [path, out] = [join(folder, 'pairs.csv'), join(folder, 'scored.jsonl')];
    writeFileSync(path, csv);
    const { code, err } = await lab('score', path, '--rules-alone', '--reason', '--out', out);
    expect(code, err).toBe(0);
    const linesOf = (text: string): Record<string, unknown>[] =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const cli = linesOf(readFileSync(out, 'utf8'));
    const page = linesOf(await exported(service, 'jsonl'));
    expect(page.map(({ lab_label, lab_score }) => [lab_label, lab_score])).toEqual(
      cli.map(({ label, score: s }) => [label, s]),
    );
    const explained = await Promise.all(cli.map((_, place) => service.explain(place)));
    const first = await service.reasonsAt(cli.slice(0, 50).map((_, place) => place));
    expect(first).toEqual(explained.slice(0, 50).map((one) => one?.sentences[0]));
    expect(explained.map((one) => one?.sentences.join(' '))).toEqual(cli.map(({ reason }) => reason));
    const [shared = 0] = explained.flatMap((one, place) => ((one?.evidence.length ?? 0) > 0 ? [place] : []));
    const without = await service.without(shared, explained[shared]?.evidence ?? []);
    expect(without.probabilities).toHaveLength(4);
    await expect(service.exportFile('proof')).rejects.toThrow(/Proofs are of the scores of models/u);
    expect((await lab('score', path, '--rules-alone', '--proof', join(folder, 'p'))).err).toMatch(
      /--proof is about a model/u,
    );
  });
});
