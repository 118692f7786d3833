/**
 * From settings to training data, and from there to a student, with an untrained teacher.
 */
import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import { DECODINGS } from '../../../src/config/decoding.ts';
import type { DistillCheckpoint } from '../../../src/runs/distill-checkpoint.ts';
import { makeStudentCard } from '../../../src/runs/models/distill-card.ts';
import { checkedStudent, runDistill } from '../../../src/runs/distill-run.ts';
import { type CompletionIds, newStudent, prepareDistill, type Teacher } from '../../../src/runs/distill-task.ts';
import { trainWorldTokenizer } from '../../../src/runs/sft-experiment.ts';
import { cardRows, ModelCardSchema } from '../../../src/infer/model-card.ts';
import { disposeLabModel } from '../../../src/infer/lab-model.ts';
import { type DistillExperimentInput, DistillExperimentSchema } from '../../../src/protocol/distill-experiment.ts';
import { SftExperimentSchema } from '../../../src/protocol/sft-experiment.ts';
import { parseTrace } from '../../../src/relevance/trace/trace.ts';
import { makeRuleWorld } from '../../../src/relevance/world/rule-world.ts';
import { useBackend } from '../../reference/backends.ts';
import { smallLabModel } from '../../reference/small-lab-model.ts';

const WORLD = { trainQueries: 20, devQueries: 4, testQueries: 4 };
let teacher: Teacher;

beforeAll(async () => {
  await useBackend('wasm');
  teacher = { model: smallLabModel(), hash: 'a teacher' };
});

function experiment(distill: DistillExperimentInput['distill'] = {}) {
  const small = { batchSize: 4, steps: 4, checkpointEvery: 2, evaluateEvery: 4, maxTokens: 8, logEvery: 1 };
  return v.parse(DistillExperimentSchema, {
    world: WORLD,
    queries: 3,
    devPairs: 4,
    distill: { ...small, ...distill },
  });
}

const student = () => newStudent('lab-nano', teacher.model.transformer);
const prepare = (distill: DistillExperimentInput['distill'], written?: (golds: CompletionIds) => CompletionIds) => {
  const asked = { keep: (_: string, make: () => Promise<CompletionIds>) => make() };
  return prepareDistill(experiment(distill), teacher, student(), {
    ...asked,
    ...(written === undefined ? {} : { keep: async () => written(await goldsOf()) }),
  });
};
/** The expert's completion of every prompt. */
async function goldsOf(): Promise<CompletionIds> {
  const { expert } = await prepareDistill(experiment({ method: { kind: 'expert' } }), teacher, student());
  return expert.map(({ completion }) => [...completion]);
}

describe('prepareDistill', () => {
  it("uses the expert's completions, or its labels only, without a teacher", async () => {
    const whole = await prepare({ method: { kind: 'expert' } });
    expect(whole.examples).toHaveLength(18);
    expect(whole.examples).toEqual(whole.expert);
    const labels = await prepare({ method: { kind: 'expert', segment: 'label' } });
    expect(labels.examples.map(({ completion }) => [...completion])).toEqual(
      whole.expert.map(({ completion }) => [completion[0]]),
    );
  });

  it("keeps the teacher's completions that pass the strict reward, aligned with the expert's", async () => {
    // A teacher that answers like the expert, except for every third prompt, where it stops after the label.
    const settings = { method: { kind: 'trace', minReward: 0.9 } } as const;
    const prepared = await prepare(settings, (golds) => golds.map((ids, i) => (i % 3 === 0 ? ids.slice(0, 1) : ids)));
    expect(prepared.pairs).toBe(18);
    expect(prepared.examples).toHaveLength(12);
    expect(prepared.examples).toEqual(prepared.expert);
  });

  it("uses the teacher's label even if it is wrong", async () => {
    const prepared = await prepare({ method: { kind: 'hard-label' } }, (golds) => golds.map(() => [9, 8, 7]));
    expect(prepared.examples).toHaveLength(18);
    for (const { completion } of prepared.examples) expect([...completion]).toEqual([9]);
  });

  it('has the teacher complete all prompts once for all seeds', async () => {
    const names: string[] = [];
    for (const seed of [1, 2]) {
      await prepareDistill(experiment({ method: { kind: 'hard-label' }, seed }), teacher, student(), {
        keep: (name, make) => {
          names.push(name);
          return make();
        },
      });
    }
    expect(names).toHaveLength(2);
    expect(new Set(names).size).toBe(1);
  });

  it('has a teacher that knows nothing write valid completions where they are held, and keeps these apart', async () => {
    const written = new Map<string, CompletionIds>();
    for (const decoding of DECODINGS) {
      await prepareDistill(experiment({ method: { kind: 'trace' }, maxTokens: 24, decoding }), teacher, student(), {
        keep: async (name, make) => {
          const ids = await make();
          written.set(name, ids);
          return ids;
        },
      });
    }
    expect(written.size).toBe(DECODINGS.length);
    const { tokenizer, prompt } = teacher.model;
    const valid = [...written.values()].map((all) => {
      return all.filter((ids) => parseTrace(tokenizer.decode(ids), prompt.scaleSize).ok).length;
    });
    expect(valid.slice(1)).toEqual([18, 18]);
    expect(valid[0]).toBeLessThan(18);
  });

  it('rejects a teacher with other rules', async () => {
    const rules = teacher.model.instruction.rules.slice(1);
    const other = { ...teacher, model: { ...teacher.model, instruction: { ...teacher.model.instruction, rules } } };
    await expect(prepareDistill(experiment(), other, student())).rejects.toThrow(
      /has learned other rules.*lab -- sft/su,
    );
  });
});

describe('checkedStudent', () => {
  it('names both tokenizers and the fix where they differ', () => {
    const world = makeRuleWorld(WORLD);
    const tokenizer = trainWorldTokenizer(world, v.parse(SftExperimentSchema, {}), 480);
    const { transformer } = teacher.model;
    const other = { config: transformer.config, weights: new Map(), tokenizer };
    const both = new RegExp(`${teacher.model.tokenizer.fingerprint}.*${tokenizer.fingerprint}.*--student`, 'su');
    expect(() => checkedStudent(other, teacher)).toThrow(both);
    const same = { ...other, tokenizer: teacher.model.tokenizer };
    expect(checkedStudent(same, teacher)).toBe(same);
    const wider = { ...same, config: { ...same.config, vocabSize: 600 } };
    expect(() => checkedStudent(wider, teacher)).toThrow(/512 rows.*600/su);
  });
});

describe('runDistill', () => {
  it('saves when it is stopped, and resumes to the same weights', async () => {
    const settings = experiment({ method: { kind: 'jsd' } });
    const prepared = await prepareDistill(settings, teacher, student());
    const before = tf.memory().numTensors;
    const whole = await runDistill(settings, prepared, teacher, { config: student() }, undefined);
    expect(whole.curve.map(({ step }) => step)).toEqual([4]);
    expect(tf.memory().numTensors).toBe(before);

    const controller = new AbortController();
    let saved: DistillCheckpoint | undefined;
    const stopped = runDistill(settings, prepared, teacher, { config: student() }, undefined, {
      signal: controller.signal,
      onLog: ({ step }) => {
        if (step === 3) controller.abort();
      },
      onCheckpoint: async (checkpoint) => {
        saved = checkpoint;
        await Promise.resolve();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(saved?.state.step).toBe(3);
    const resumed = await runDistill(settings, prepared, teacher, { config: student() }, saved);
    expect(resumed).toEqual(whole);

    const others = { ...teacher, hash: 'another' };
    await expect(runDistill(settings, prepared, others, { config: student() }, saved)).rejects.toThrow(
      /a teacher.*another.*--teacher/su,
    );
  });

  it('records the teacher and the method in the card', async () => {
    const settings = experiment({ method: { kind: 'label-kd' }, steps: 1 });
    const prepared = await prepareDistill(settings, teacher, student());
    const finished = await runDistill(settings, prepared, teacher, { config: student() }, undefined);
    const facts = { command: 'none', dtype: 'f16', device: 'a test', date: '2026-01-01' };
    const card = makeStudentCard(settings, { teacher, student: student(), prepared, finished, ...facts });
    expect(v.parse(ModelCardSchema, card)).toEqual(card);
    const row = cardRows(card).find(({ name }) => name === 'Teacher');
    expect(row?.value).toMatch(/random, weights a teacher: .*temperature 2/u);
  });

  it('does not change the teacher', () => {
    const before = tf.memory().numTensors;
    disposeLabModel(teacher.model);
    expect(tf.memory().numTensors).toBeLessThan(before);
  });
});
