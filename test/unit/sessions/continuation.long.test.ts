/**
 * Runs that continue a model on a file: they read the prompts of that model, its vectors included, repeat what it has
 * learned before, and give the command line and the page the same weights.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { disposeLabModel, loadLabModel, type ModelFileName, readLabModel } from '../../../src/infer/lab-model.ts';
import { encodeFor } from '../../../src/infer/score-pairs.ts';
import type { DataSet } from '../../../src/data/files/data-set.ts';
import { modelFilesOf } from '../../../src/runs/models/sft-model.ts';
import { continuationOf, learnedBy } from '../../../src/runs/sft-continuation.ts';
import { prepareSft } from '../../../src/runs/sft-experiment.ts';
import { readSftCheckpoint } from '../../../src/runs/sft-checkpoint.ts';
import { readSftStart, type WeighedStart } from '../../../src/runs/sft-start.ts';
import { readModelFiles } from '../../../src/cli/model-folder.ts';
import { splitFile, withStandingOf } from '../../../src/runs/file-data.ts';
import type { JudgedPair } from '../../../src/relevance/pair/pair.ts';
import { alone } from '../../../src/relevance/prompt/listed.ts';
import { sourceOf } from '../../../src/ui/parts/sessions/unfinished-source.ts';
import { lab } from '../cli/lab.ts';
import { continuationFor } from '../../../src/sessions/continuation.ts';
import type { DataLibrary } from '../../../src/sessions/data-library.ts';
import { dataSetOf, pairsTsv } from '../runs/own-pairs.ts';
import { TrainingHarness } from './training-harness.ts';

const GENERAL = 'public/models/general';
const START_URL = 'http://localhost/models/general/';
const STEPS = 4;

async function startOf(folder: string): Promise<WeighedStart> {
  return readSftStart(await readModelFiles(folder));
}

/** Four grades, so that the general model is asked on its own scale. */
const PAIRS = pairsTsv(20).replaceAll(/\t2$/gmu, '\t3');

function asked({ name, sha256 }: Pick<DataSet, 'name' | 'sha256'>): { name: string; data: object; sft: object } {
  const sft = { steps: STEPS, checkpointEvery: 2, evaluateEvery: 2 };
  return { name: 'again', data: { kind: 'file', name, sha256, grades: '0=0,1=1,3=3' }, sft };
}

describe('a run that continues the general model', () => {
  const harness = new TrainingHarness(undefined, () => readModelFiles(GENERAL));
  const folder = mkdtempSync(join(tmpdir(), 'afrl-lab-continued-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('reads the prompts that the model reads when it scores', async () => {
    const [start, dataSet] = [await startOf(GENERAL), await dataSetOf(PAIRS)];
    const experiment = { ...continuationOf('x', asked(dataSet), start, dataSet, undefined), wordSplitShare: 0 };
    expect(experiment.prompt).toEqual(start.lab.prompt);
    const prepared = await prepareSft(experiment, { start, findData: () => Promise.resolve(dataSet) });
    const model = await loadLabModel(await readModelFiles(GENERAL), 'f32');
    const judged = dataSet.pairs.map(({ grade, ...pair }) => ({ ...pair, label: Number(grade) }));
    const inLists = withStandingOf(dataSet, judged, model.prompt, model.vectors);
    const promptOf = (pair: JudgedPair): string => [...encodeFor(model, pair).ids].join();
    const read = new Set([...inLists, ...inLists.map(alone)].map(promptOf));
    const blind = new Set(judged.map((pair) => [...encodeFor({ ...model, vectors: undefined }, pair).ids].join()));
    disposeLabModel(model);
    const trained = prepared.examples.map(({ prompt }) => [...prompt].join());
    expect(trained.filter((prompt) => !read.has(prompt))).toEqual([]);
    expect(trained.filter((prompt) => blind.has(prompt))).toEqual([]); // without vectors a prompt says so
    expect(prepared.examples.every(({ completion }) => completion.length === 1)).toBe(true); // the label alone
  });

  it('leaves checkpoints with its vectors, from which it resumes without its start', async () => {
    const summary = await harness.service.readData({ files: [{ name: 'mine.tsv', blob: new Blob([PAIRS]) }] });
    const from = { kind: 'continuation', experiment: asked(summary), startUrl: START_URL } as const;
    const finished = await harness.train({ from, backend: 'wasm' });
    expect(finished).toMatchObject({ kind: 'finished', step: STEPS });

    const [[first], [last]] = [[...harness.store.saved], [...harness.store.saved].slice(-1)];
    const bytes = last?.[1].payload ?? new Uint8Array();
    const files = new Map(Object.entries(modelFilesOf(bytes, 0)) as [ModelFileName, Uint8Array][]);
    const own = await readModelFiles(GENERAL);
    expect(files.get('vectors.safetensors')).toEqual(new Uint8Array(own.get('vectors.safetensors') ?? []));
    const [model, before] = [readLabModel(files), readLabModel(own)];
    expect(model.prompt).toEqual(before.prompt);
    expect(model.otherScales).toEqual(before.otherScales);
    expect(model.card.limits[0]).toMatch(/^Continues general on the labels of mine\.tsv: nothing of .* was repeated/u);
    expect(model.card.terms).toEqual(before.card.terms);
    expect(model.card.data.queries?.count).toBe((before.card.data.queries?.count ?? 0) + 16);

    const resumed = new TrainingHarness(harness.store);
    const again = await resumed.train({ from: { kind: 'checkpoint', id: first?.[0] ?? '' }, backend: 'wasm' });
    expect(again).toMatchObject({
      kind: 'finished',
      weightsHash: finished.kind === 'finished' && finished.weightsHash,
    });
    expect(readSftCheckpoint(bytes).start?.card.name).toBe('general');
  });

  it('begins again where its start is, if it was cut short before its first checkpoint', () => {
    const [run] = harness.store.runInputs;
    if (run === undefined) throw new Error('No run was begun.');
    const unfinished = { ...run, startedAt: 0, state: 'interrupted', lastCheckpoint: null } as const;
    const source = sourceOf(unfinished);
    expect(source).toMatchObject({ kind: 'continuation', startUrl: START_URL, runId: run.id });
    expect(source.kind === 'continuation' && source.experiment).toMatchObject({ start: { name: 'general' } });
  });

  it('gives the weights of the command line, which compares both models', async () => {
    const path = join(folder, 'mine.tsv');
    writeFileSync(path, PAIRS);
    const out = join(folder, 'run');
    const settings = ['--name', 'again', '--steps', String(STEPS), '--grade', '0=0,1=1,3=3', '--backend', 'wasm'];
    const every = ['--set', 'sft.evaluateEvery=2', '--set', 'sft.checkpointEvery=2'];
    const { code, err } = await lab('sft', '--start', GENERAL, '--data', path, ...settings, ...every, '--out', out);
    expect(code, err).toBe(0);
    const [finished] = harness.of('finished');
    expect(err).toContain(`Weights ${finished?.weightsHash ?? ''}.`);
    expect(err).toMatch(/On 16 pairs of 4 held-out queries, before and after: These are few/u);
    expect(err).toMatch(/ {2}NDCG@10: \d\.\d{3}, \d\.\d{3} \([+-]\d\.\d{3}, -?\d\.\d{3} to -?\d\.\d{3}\)/u);
    expect(readFileSync(join(out, 'model', 'vectors.safetensors'))).toEqual(
      readFileSync(join(GENERAL, 'vectors.safetensors')),
    );
  });

  it.each([
    ['a shape', ['--preset', 'micro'], /decides its preset/u],
    ['a prompt', ['--no-hints'], /decides its prompt\.hints/u],
  ])('refuses %s of its own', async (_, more, message) => {
    const path = join(folder, 'mine.tsv');
    const { code, err } = await lab('sft', '--start', GENERAL, '--data', path, ...more, '--out', join(folder, 'no'));
    expect(code).not.toBe(0);
    expect(err).toMatch(message);
  });
});

describe('what a start has learned before', () => {
  it('is repeated in the share that was asked for, with its reasons, where it is a rule world', async () => {
    const [start, dataSet] = [await startOf('public/models/lab-nano-start'), await dataSetOf(PAIRS)];
    const data = learnedBy(start);
    expect(data).toMatchObject({ kind: 'world', seed: 1, trainQueries: 10_000 });
    if (data === undefined) throw new Error('The world was not found.');
    const experiment = continuationOf('x', asked(dataSet), start, dataSet, { share: 0.5, data });
    const prepared = await prepareSft(experiment, { start, findData: () => Promise.resolve(dataSet) });
    const own = prepared.examples.length - prepared.replayed;
    expect(prepared.replayed).toBe(own);
    const lengths = prepared.examples.map(({ completion }) => completion.length);
    expect(lengths.slice(0, own).every((length) => length === 1)).toBe(true);
    expect(lengths.slice(own).every((length) => length > 1)).toBe(true);
  });

  it('is repeated in the share that the page asks for, a quarter unless it asks', async () => {
    const [start, dataSet] = [await startOf('public/models/lab-nano-start'), await dataSetOf(PAIRS)];
    const library = { find: () => Promise.resolve(dataSet) } as unknown as DataLibrary;
    const shareFor = async (more: object): Promise<number | undefined> =>
      (await continuationFor({ ...asked(dataSet), ...more }, start, library)).replay?.share;
    expect(await shareFor({})).toBe(0.25);
    expect(await shareFor({ replayShare: 0.5 })).toBe(0.5);
    expect(await shareFor({ replayShare: 0 })).toBeUndefined();
    await expect(shareFor({ replayShare: 1 })).rejects.toThrow(/replayShare/u);
    const general = await startOf(GENERAL);
    expect((await continuationFor({ ...asked(dataSet), replayShare: 0.5 }, general, library)).replay).toBeUndefined();
  });

  it('is not known of a world that this version does not make', async () => {
    const { card, lab: own } = await startOf('public/models/lab-nano-start');
    expect(learnedBy({ card: { ...card, data: { ...card.data, hash: '00000000' } }, lab: own })).toBeUndefined();
  });

  it('is repeated of a model that repeated it before, and never where it is a file or on another scale', async () => {
    const { card, lab: own } = await startOf('public/models/lab-nano-start');
    const world = learnedBy({ card, lab: own });
    const file = { kind: 'file', name: 'old.jsonl', sha256: 'a'.repeat(64), grades: '0=0,1=1' };
    const split = { devShare: 0.2, testShare: 0, seed: 1 };
    const fromFile = { ...card.data, name: 'the file old.jsonl', hash: file.sha256, split, grades: file.grades };
    const with_ = (data: typeof card.data) => learnedBy({ card: { ...card, data }, lab: own });
    expect(with_(fromFile)).toBeUndefined();
    expect(with_({ ...fromFile, replayed: file })).toBeUndefined();
    expect(with_({ ...fromFile, replayed: world })).toEqual(world);
    expect(learnedBy({ card, lab: { ...own, prompt: { ...own.prompt, scaleSize: 2 } } })).toBeUndefined();
  });

  it('has a schedule for the training pairs of the split, and for the steps that were asked for', async () => {
    const start = await startOf(GENERAL);
    // One query has nearly all pairs; some splits hold it out.
    const rows = Array.from({ length: 200 }, (_, i) => `big\ttitle ${i}\t${i % 4}`);
    const few = Array.from({ length: 8 }, (_, i) => `small ${i}\ttitle ${i}\t${i % 4}`);
    const dataSet = await dataSetOf(['query\ttitle\tgrade', ...rows, ...few].join('\n'));
    const splits = Array.from({ length: 30 }, (_, splitSeed) => {
      const experiment = continuationOf('x', { data: { splitSeed } }, start, dataSet, undefined);
      if (experiment.data.kind !== 'file') throw new Error('It is a file.');
      const { train } = splitFile(experiment.data, experiment.prompt.scaleSize, dataSet);
      return { train: train.length, batch: experiment.sft.batchSize };
    });
    expect(splits.some(({ train }) => train < 10)).toBe(true);
    expect(splits.filter(({ train, batch }) => batch > train)).toEqual([]);
    const { sft } = continuationOf('x', { sft: { steps: 8 } }, start, dataSet, undefined);
    expect(sft).toMatchObject({ steps: 8, warmupSteps: 1, evaluateEvery: 2, checkpointEvery: 2, logEvery: 1 });
  });

  it('is asked on its own scale for grades on another, each at its height', async () => {
    const start = await startOf('public/models/lab-nano-start');
    const dataSet = await dataSetOf(pairsTsv(20).replaceAll(/\t2$/gmu, '\t1'));
    const { data, prompt } = continuationOf('x', {}, start, dataSet, undefined);
    expect(prompt.scaleSize).toBe(4);
    expect(data.kind === 'file' && data.grades).toBe('"0"=0,"1"=3');
  });

  it('must be the model that the settings name', async () => {
    const [start, dataSet] = [await startOf(GENERAL), await dataSetOf(PAIRS)];
    const experiment = continuationOf('x', asked(dataSet), start, dataSet, undefined);
    const other = { ...start, hash: 'other' };
    const findData = (): Promise<DataSet> => Promise.resolve(dataSet);
    await expect(prepareSft(experiment, { start: other, findData })).rejects.toThrow(/another model than the one/u);
    await expect(prepareSft(experiment, { findData })).rejects.toThrow(/do not go together/u);
  });
});
