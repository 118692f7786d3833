/**
 * Refinement on real judgments, if available: LAB_JUDGED_DATA names a folder of `pairs.jsonl.gz` and `docs.jsonl.gz`
 * with grades from 0 to 3. They belong to others and are not part of the repository.
 */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { loadDocuments, loadJudgedPairs } from '../../../../src/data/files/pairs-file.ts';
import { splitForPiar } from '../../../../src/runs/piar-split.ts';
import { greedyRefiner } from '../../../../src/relevance/piar/piar-greedy.ts';
import { runPiar } from '../../../../src/relevance/piar/piar.ts';
import { startInstruction } from '../../../../src/relevance/rules/start-instruction.ts';
import { parseTrace, printTrace } from '../../../../src/relevance/trace/trace.ts';
import { synthesiseTraces } from '../../../../src/relevance/rules/trace-synthesis.ts';

const folder = process.env['LAB_JUDGED_DATA'] ?? '';

describe.skipIf(folder === '')('PIAR on real judgments (skipped unless LAB_JUDGED_DATA names a folder)', () => {
  it('beats its start and the most frequent label on queries it never saw; every trace verifies', async () => {
    const open = (name: string): AsyncIterable<Uint8Array> => createReadStream(join(folder, name));
    const documents = await loadDocuments(open('docs.jsonl.gz'), { fileName: 'docs' });
    const { items, errorCount } = await loadJudgedPairs(open('pairs.jsonl.gz'), {
      fileName: 'pairs',
      documents: documents.items,
    });
    expect([items.length > 0, errorCount, documents.errorCount]).toEqual([true, 0, 0]);

    const split = splitForPiar(items, 1);
    const data = { ...split, test: () => split.test };
    const { test, last } = await runPiar(data, startInstruction(4), greedyRefiner(), { rounds: 5 });
    const counts = [0, 1, 2, 3].map((label) => split.test.filter((pair) => pair.label === label).length);
    expect(test.last.accuracy).toBeGreaterThan(test.first.accuracy);
    expect(test.last.accuracy).toBeGreaterThan(Math.max(...counts) / split.test.length);

    const { traced, counts: outcome } = synthesiseTraces(last.instruction, split.lexicon, split.test);
    expect(outcome.unverified).toBe(0);
    expect(traced.length / split.test.length).toBeCloseTo(test.last.accuracy, 12);
    for (const { trace, pair } of traced) {
      expect(trace.label).toBe(pair.label);
      expect(parseTrace(printTrace(trace), 4)).toMatchObject({ ok: true, trace });
    }
  });
});
