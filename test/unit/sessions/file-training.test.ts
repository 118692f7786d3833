/**
 * Runs that learn from the user's own file: planned, trained, interrupted anywhere and resumed to the same bits, by a
 * worker that finds the data in the store, or only after the same file is chosen again.
 */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { modelFilesOf } from '../../../src/runs/models/sft-model.ts';
import { readSftCheckpoint } from '../../../src/runs/sft-checkpoint.ts';
import { answerPair } from '../../../src/infer/answer.ts';
import { disposeLabModel, loadLabModel, MODEL_FILES } from '../../../src/infer/lab-model.ts';
import type { DataSummary } from '../../../src/protocol/imported-data.ts';
import { type ScoringEvent, ScoringEventSchema } from '../../../src/protocol/scoring.ts';
import { TrainingPlanSchema } from '../../../src/protocol/training.ts';
import { makeDocument } from '../../../src/relevance/pair/pair.ts';
import { pairsTsv } from '../runs/own-pairs.ts';
import { MemoryStore } from './memory-store.ts';
import { TrainingHarness } from './training-harness.ts';

const STEPS = 6;

function choose(harness: TrainingHarness, text = pairsTsv(20), name = 'mine.tsv'): Promise<DataSummary> {
  return harness.service.readData({ files: [{ name, blob: new Blob([text]) }] });
}

function experimentOn({ name, sha256, likelyScale }: DataSummary, sft: Record<string, unknown> = {}): unknown {
  return {
    name: 'own',
    preset: 'lab-nano',
    data: { kind: 'file', name, sha256, devShare: 0.2, testShare: 0.2 },
    prompt: { scaleSize: likelyScale },
    devPairs: 8,
    sft: { steps: STEPS, batchSize: 4, warmupSteps: 2, logEvery: 1, evaluateEvery: 3, checkpointEvery: 3, ...sft },
  };
}

describe('a run on a file', () => {
  it('summarises what was read, and the data under the settings', async () => {
    const { service } = new TrainingHarness();
    const text = `${pairsTsv(20)}\n\tmug\t1\n${'long '.repeat(30)}\tmug\t1\n`;
    const summary = await service.readData({ files: [{ name: 'mine.tsv', blob: new Blob([text]) }] });
    expect(summary).toMatchObject({
      name: 'mine.tsv',
      pairs: 81,
      queries: 21,
      likelyScale: 3,
      gradeCount: 3,
      refused: 1,
    });
    expect(summary.grades.reduce((sum, { pairs }) => sum + pairs, 0)).toBe(81);
    expect(summary.refusals).toEqual([expect.stringMatching(/^Row 82, column "query": the query is missing/u)]);
    const plan = v.parse(
      TrainingPlanSchema,
      await service.plan({ experiment: experimentOn(summary), backend: 'wasm' }),
    );
    const { train, dev, test } = plan.data ?? { train: undefined, dev: undefined, test: undefined };
    expect([train?.queries, dev?.queries, test?.queries]).toEqual([13, 4, 4]);
    expect((train?.pairs ?? 0) + (dev?.pairs ?? 0) + (test?.pairs ?? 0)).toBe(81);
    expect(plan.data).toMatchObject({ shortenedQueries: 1, shortenedDocuments: 0 });
  });

  it('stays usable after an unusable file, with the previous file', async () => {
    const { service } = new TrainingHarness();
    const summary = await service.readData({ files: [{ name: 'mine.tsv', blob: new Blob([pairsTsv(20)]) }] });
    await expect(service.readData({ files: [{ name: 'bad.tsv', blob: new Blob(['nonsense']) }] })).rejects.toThrow(
      /bad\.tsv/u,
    );
    const wrongScale = { ...(experimentOn(summary) as object), prompt: { scaleSize: 2 } };
    await expect(service.plan({ experiment: wrongScale, backend: 'wasm' })).rejects.toThrow(/in row \d+/u);
    await expect(service.plan({ experiment: experimentOn(summary), backend: 'wasm' })).resolves.toBeDefined();
  });

  it('resumes in another worker, from the store alone, to the bits of an uninterrupted run', async () => {
    const whole = new TrainingHarness();
    const experiment = experimentOn(await choose(whole));
    const finished = await whole.train({ from: { kind: 'experiment', experiment }, backend: 'wasm' });
    expect(finished).toMatchObject({ kind: 'finished', step: STEPS });
    expect(whole.of('evaluation').map(({ step, completions }) => [step, completions])).toEqual([
      [3, 0],
      [6, 0],
    ]);
    expect(
      whole.of('evaluation').every(({ accuracy, macroF1, ndcg10 }) => [accuracy, macroF1, ndcg10].every(isShare)),
    ).toBe(true);

    const interrupted = new TrainingHarness();
    await choose(interrupted);
    interrupted.onEvent((event) => {
      if (event.kind === 'checkpoint') void interrupted.service.command({ kind: 'stop' });
    });
    const stopped = await interrupted.train({ from: { kind: 'experiment', experiment }, backend: 'wasm' });
    expect(stopped).toMatchObject({ kind: 'stopped', step: 3, checkpointId: 'c1' });

    const resumed = new TrainingHarness(interrupted.store); // only the stored copy of the file
    const end = await resumed.train({ from: { kind: 'checkpoint', id: 'c1' }, backend: 'wasm' });
    if (end.kind !== 'finished' || finished.kind !== 'finished') throw new Error('A run did not finish.');
    expect(end.weightsHash).toBe(finished.weightsHash);
    const losses = (harness: TrainingHarness): number[] => harness.of('log').map(({ lossNats }) => lossNats);
    expect([...losses(interrupted).slice(0, 3), ...losses(resumed)]).toEqual(losses(whole));
  });

  it('that was moved to another browser resumes once the same file is chosen, and with no other', async () => {
    const home = new TrainingHarness();
    const experiment = experimentOn(await choose(home), { checkpointEvery: 3 });
    await home.train({ from: { kind: 'experiment', experiment }, backend: 'wasm' });
    const bytes = home.store.saved.get('c1')?.payload;
    if (bytes === undefined) throw new Error('The run kept no checkpoint.');

    const away = new TrainingHarness(new MemoryStore());
    const from = { kind: 'bytes', bytes } as const;
    const lost = await away.train({ from, backend: 'wasm' });
    expect(lost).toMatchObject({ kind: 'failed', code: 'not-found' });
    expect(lost.kind === 'failed' && lost.message).toMatch(/"mine\.tsv".*Choose the same file/u);
    await choose(away, pairsTsv(21), 'mine.tsv');
    expect(await away.train({ from, backend: 'wasm' })).toMatchObject({ kind: 'failed', code: 'not-found' });
    await choose(away, pairsTsv(20), 'renamed.tsv');
    expect(await away.train({ from, backend: 'wasm' })).toMatchObject({
      kind: 'finished',
      weightsHash: home.of('finished')[0]?.weightsHash,
    });
  });

  it('gives a model that answers with a label and restates it, without reasons', async () => {
    const harness = new TrainingHarness();
    const experiment = experimentOn(await choose(harness), {
      steps: 60,
      learningRate: 0.01,
      evaluateEvery: 60,
      checkpointEvery: 60,
    });
    await harness.train({ from: { kind: 'experiment', experiment }, backend: 'wasm' });
    const payload = harness.store.saved.get('c1')?.payload;
    if (payload === undefined) throw new Error('The run kept no checkpoint.');
    expect(readSftCheckpoint(payload)).toMatchObject({ trainPairs: 48 });
    const files = modelFilesOf(payload, Date.UTC(2026, 10, 24));
    const model = await loadLabModel(new Map(MODEL_FILES.map((name) => [name, files[name]])));
    expect(model.scale.names).toEqual(['label 0', 'label 1', 'label 2']);
    expect(model.card.data).toMatchObject({ name: 'the file mine.tsv', trainPairs: 48, split: { seed: 1 } });
    const events: ScoringEvent[] = [];
    const pair = { query: 'red mug 1', document: makeDocument({ title: 'red mug' }) };
    await answerPair(model, pair, { emit: (event) => events.push(v.parse(ScoringEventSchema, event)) });
    const done = events.at(-1);
    const [label] = events;
    expect(events.filter(({ kind }) => kind === 'step')).toEqual([]);
    expect(done).toMatchObject({ kind: 'done', complete: true, agreement: 'unknown' });
    expect(done?.kind === 'done' && done.restated).toBe(label?.kind === 'label' && label.label);
    disposeLabModel(model);
  });

  it('can start over under its own id', async () => {
    const harness = new TrainingHarness();
    const experiment = experimentOn(await choose(harness), { steps: 1 });
    await harness.train({ from: { kind: 'experiment', experiment, runId: 'again' }, backend: 'wasm' });
    expect(harness.of('prepared')[0]?.runId).toBe('again');
  });
});

function isShare(value: number | null): boolean {
  return value !== null && value >= 0 && value <= 1;
}
