/**
 * The user's own rules for their own pairs, for every trainer: reasons where rules and people agree, labels alone
 * elsewhere, and rules that are stored with settings, checkpoint and model.
 */
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DataSet } from '../../../src/data/files/data-set.ts';
import { modelFilesOf } from '../../../src/runs/models/sft-model.ts';
import { expertsOf, makeOwnRules, rulesOfFile, splitFile } from '../../../src/runs/file-data.ts';
import { type GrpoCheckpoint, readGrpoCheckpoint, writeGrpoCheckpoint } from '../../../src/runs/grpo-checkpoint.ts';
import { runGrpo } from '../../../src/runs/grpo-run.ts';
import { prepareGrpo, startOf, type StartModel } from '../../../src/runs/grpo-task.ts';
import { writeRunFile } from '../../../src/runs/run-file.ts';
import { type SftCheckpoint, writeSftCheckpoint } from '../../../src/runs/sft-checkpoint.ts';
import { prepareSft } from '../../../src/runs/sft-experiment.ts';
import { runSft } from '../../../src/runs/sft-run.ts';
import { disposeLabModel, loadLabModel, type ModelFileName } from '../../../src/infer/lab-model.ts';
import { readWeights } from '../../../src/model/weights.ts';
import { type GrpoExperiment, GrpoExperimentSchema } from '../../../src/protocol/grpo-experiment.ts';
import { type FileData, parseSftExperiment, type SftExperiment } from '../../../src/protocol/sft-experiment.ts';
import { startInstruction } from '../../../src/relevance/rules/start-instruction.ts';
import { parseTrace } from '../../../src/relevance/trace/trace.ts';
import { induceLexicon } from '../../../src/relevance/rules/typed-document.ts';
import { PairChecker } from '../../../src/relevance/rules/verify.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectSameWeights } from '../../reference/expect-same-weights.ts';
import { wordedTokenizer } from '../../reference/held-automata.ts';
import { smallModelFiles } from '../../reference/small-lab-model.ts';
import { dataSetOf, pairsTsv } from './own-pairs.ts';

let dataSet: DataSet;
let plain: FileData;
let ruled: FileData;

beforeAll(async () => {
  await useBackend('wasm');
  dataSet = await dataSetOf(pairsTsv(20));
  const { name, sha256 } = dataSet;
  plain = { kind: 'file', name, sha256, devShare: 0.2, testShare: 0.2, splitSeed: 1, grades: '', labels: '' };
  ruled = { ...plain, rules: makeOwnRules(startInstruction(4), induceLexicon(dataSet.documents), trainPairs(4)) };
});

const trainPairs = (scaleSize: number) => splitFile(plain, scaleSize, dataSet).train;
const findData = (): Promise<DataSet> => Promise.resolve(dataSet);

function supervised(data: unknown, more: Record<string, unknown> = {}): SftExperiment {
  return parseSftExperiment('The settings', {
    preset: 'lab-nano',
    data,
    sft: { steps: 2, batchSize: 8, warmupSteps: 0, evaluateEvery: 2, checkpointEvery: 2 },
    devPairs: 8,
    ...more,
  });
}

describe('the experts of a file with rules', () => {
  it('have verified reasons that imply the judged label, and labels alone where the rules imply another', () => {
    const rules = rulesOfFile(ruled, { scaleSize: 4, folding: 2 });
    const pairs = trainPairs(4);
    const { experts, counts } = expertsOf(rules, pairs);
    expect(experts.map(({ pair }) => pair.label)).toEqual(pairs.map(({ label }) => label));
    for (const { pair, trace } of experts) {
      expect([trace.label, trace.restated]).toEqual([pair.label, pair.label]);
      const { status, impliedLabel } = new PairChecker(rules, pair).checkTrace(trace);
      if (trace.steps.length > 0) expect([status, impliedLabel]).toEqual(['agree', pair.label]);
    }
    const reasoned = experts.filter(({ trace }) => trace.steps.length > 0).length;
    expect(reasoned).toBeGreaterThan(0);
    expect(reasoned).toBeLessThan(pairs.length);
    expect(counts).toMatchObject({ pairs: pairs.length, traced: reasoned });
    expect(counts).toMatchObject({ contradicting: pairs.length - reasoned, uncovered: 0, unverified: 0 });
  });

  it('without rules are labels alone, without counts', () => {
    const { experts, counts } = expertsOf(rulesOfFile(plain, { scaleSize: 4, folding: 2 }), trainPairs(4));
    expect(counts).toBeUndefined();
    expect(experts.every(({ trace }) => trace.steps.length === 0)).toBe(true);
  });

  it('count as tail rules those that few of their traces cite', () => {
    const { rules } = ruled;
    const { experts } = expertsOf(rulesOfFile(ruled, { scaleSize: 4, folding: 2 }), trainPairs(4));
    const traced = experts.filter(({ trace }) => trace.steps.length > 0);
    expect(traced.length).toBeGreaterThan(0);
    for (const rule of startInstruction(4).rules.keys()) {
      const share = traced.filter(({ trace }) => trace.steps.some((step) => step.rule === rule)).length / traced.length;
      expect(rules?.tailRules.includes(rule), `rule ${rule}, cited by ${share}`).toBe(share < 0.025);
    }
  });
});

describe('a supervised run with rules', () => {
  it('learns the traces, and its model contains the rules', async () => {
    const experiment = supervised(ruled);
    const prepared = await prepareSft(experiment, { findData });
    const read = prepared.examples.map(({ completion }) => parseTrace(prepared.tokenizer.decode([...completion]), 4));
    const steps = read.map((parsed) => (parsed.ok ? parsed.trace.steps.length : -1));
    expect(steps.filter((count) => count > 0)).toHaveLength(prepared.traces?.traced ?? -1);
    expect(steps.filter((count) => count < 0)).toEqual([]);

    const saved: SftCheckpoint[] = [];
    await runSft(experiment, prepared, undefined, {
      onCheckpoint: (checkpoint) => Promise.resolve(void saved.push(checkpoint)),
    });
    const [checkpoint] = saved;
    if (checkpoint === undefined) throw new Error('no checkpoint');
    const files = modelFilesOf(writeSftCheckpoint(checkpoint), 0);
    const model = await loadLabModel(new Map(Object.entries(files) as [ModelFileName, Uint8Array][]));
    expect(model.instruction).toEqual(ruled.rules?.instruction);
    expect(model.tailRules).toEqual(new Set(ruled.rules?.tailRules));
    expect(model.readsTitles).toBe(true);
    expect(model.card.description).toMatch(/gives the reasons of "Start"/u);
    disposeLabModel(model);
  });

  it('names the problem with rules in its settings', () => {
    const [first, ...rest] = startInstruction(4).rules;
    const broken = { ...startInstruction(4), rules: [{ ...first, cap: 4 }, ...rest] };
    const data = { ...ruled, rules: { ...ruled.rules, instruction: broken } };
    expect(() => supervised(data)).toThrow(
      /data\.rules\.instruction: Rule "all-in-title" caps at a label outside the scale/u,
    );
    expect(() => supervised({ ...ruled, rules: { ...ruled.rules, colour: 1 } })).toThrow(/data\.rules\.colour/u);
  });

  it('rejects rules of another scale', async () => {
    const preparing = prepareSft(supervised(ruled, { prompt: { scaleSize: 3 } }), { findData });
    await expect(preparing).rejects.toThrow(/for another scale.*Expected 3 labels.*Got 4/u);
  });
});

describe('reinforcement on a file', () => {
  let start: StartModel;

  beforeAll(async () => {
    const lab = await loadLabModel(smallModelFiles());
    start = { ...startOf(lab), weights: await readWeights(lab.transformer.weights) };
    disposeLabModel(lab);
  });

  function settings(data: unknown, grpo: Record<string, unknown> = {}): GrpoExperiment {
    return v.parse(GrpoExperimentSchema, {
      data,
      queries: 6,
      probePrompts: 2,
      probeSamples: 2,
      devPairs: 4,
      grpo: {
        steps: 2,
        prompts: 2,
        samples: 2,
        maxTokens: 6,
        expertBatch: 2,
        evaluateEvery: 2,
        checkpointEvery: 1,
        ...grpo,
      },
    });
  }

  it('uses its own rules, or those of the start', async () => {
    const own = await prepareGrpo(settings(ruled), start, { findData });
    expect(own.rules.instruction).toEqual(ruled.rules?.instruction);
    expect(own.task.instruction).toEqual(ruled.rules?.instruction);
    expect(own.traces?.traced).toBe(own.task.prompts.filter(({ gold }) => gold.steps.length > 0).length);
    const inherited = await prepareGrpo(settings(plain), start, { findData });
    expect(inherited.rules.instruction).toEqual(start.instruction);
    expect(own.dataHash).not.toBe(inherited.dataHash);
    expect(new Set(own.task.prompts.map(({ pair }) => pair.query)).size).toBe(6);
  });

  it('are refused where the prompts of the start state its own in words', async () => {
    const config = { ...start.config, maxPositions: 8192 };
    const worded = { ...start, config, tokenizer: wordedTokenizer(start.instruction) };
    await expect(prepareGrpo(settings(ruled), worded, { findData })).rejects.toThrow(/state its own rules in words/u);
    const own = await prepareGrpo(settings(plain), worded, { findData });
    expect(own.rules.instruction).toEqual(start.instruction);
  });

  it('resumes after an interruption to the bits of an uninterrupted run', async () => {
    const experiment = settings(ruled);
    const prepared = await prepareGrpo(experiment, start, { findData });
    const saved: GrpoCheckpoint[] = [];
    const whole = await runGrpo(experiment, prepared, start, undefined, {
      onCheckpoint: (checkpoint) => Promise.resolve(void saved.push(checkpoint)),
    });
    const [half] = saved;
    if (half === undefined) throw new Error('no checkpoint');
    const read = readGrpoCheckpoint(writeGrpoCheckpoint(half));
    expect(read.experiment).toEqual(experiment);
    const again = await prepareGrpo(read.experiment, start, { findData });
    const resumed = await runGrpo(read.experiment, again, start, read);
    expectSameWeights(resumed.weights, whole.weights);
    const others = await prepareGrpo(settings(plain), start, { findData });
    await expect(runGrpo(settings(plain), others, start, read)).rejects.toThrow(/another start or other data/u);
  });
});

describe('a reinforcement checkpoint of version 1', () => {
  it('is read as one on a rule world', () => {
    const metadata = {
      format: 'afrl-lab-grpo',
      schemaVersion: 1,
      step: 3,
      optimizerStep: 3,
      experiment: { world: { seed: 5 }, queries: 7 },
      worldHash: '01234567',
      startHash: '89abcdef',
      dialMoves: [{ step: 1, value: 0.5 }],
      tokens: { generated: 1, learned: 2, expert: 3 },
      curve: [],
    };
    const weights = new Map([['w', { shape: [2], data: new Float32Array(2) }]]);
    const moments = { step: 3, firstMoment: new Float32Array(2), secondMoment: new Float32Array(2) };
    const read = readGrpoCheckpoint(writeRunFile(metadata, weights, moments));
    expect(read.dataHash).toBe('01234567');
    expect(read.experiment.data).toMatchObject({ kind: 'world', seed: 5 });
    expect(read.experiment.queries).toBe(7);
    expect(read.state.coefficientMoves).toEqual([{ step: 1, value: 0.5 }]);
  });
});
