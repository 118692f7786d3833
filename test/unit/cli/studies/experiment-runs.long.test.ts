/**
 * Runs of an experiment on disk: interrupted, taken over, shared, made once. The start is untrained and the arms are
 * tiny; the tests check that the folder ends with the same numbers on every path.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { distillRunFolder, experimentRunFolder, orderRunFolder } from '../../../../src/cli/runs/run-folder.ts';
import { LabError } from '../../../../src/common/errors.ts';
import { hashHex } from '../../../../src/common/rng.ts';
import { DistillExperimentSchema } from '../../../../src/protocol/distill-experiment.ts';
import { OrderExperimentSchema } from '../../../../src/protocol/order-experiment.ts';
import { type GrpoExperimentInput, GrpoExperimentSchema } from '../../../../src/protocol/grpo-experiment.ts';
import { canonicalJson } from '../../../../src/relevance/rules/instruction.ts';
import type { ExperimentContext } from '../../../../src/cli/studies/experiment-context.ts';
import { resultOf } from '../../../../src/cli/studies/experiment-runs.ts';
import { startModel } from '../../../../src/cli/runs/start-model.ts';
import type { Arm } from '../../../../src/studies/recipes.ts';
import { useBackend } from '../../../reference/backends.ts';
import { smallModelFiles } from '../../../reference/small-lab-model.ts';

const ARM: Arm = {
  name: 'tiny',
  run: {
    kind: 'grpo',
    settings: {
      data: { kind: 'world', trainQueries: 20, devQueries: 4, testQueries: 4 },
      queries: 4,
      probePrompts: 2,
      probeSamples: 2,
      devPairs: 4,
      grpo: { steps: 4, prompts: 2, samples: 2, maxTokens: 6, expertBatch: 2, evaluateEvery: 2, checkpointEvery: 2 },
    },
  },
};

describe('experimentRunFolder', () => {
  const pathOf = (settings: GrpoExperimentInput): string =>
    experimentRunFolder('runs', v.parse(GrpoExperimentSchema, settings), 'abc').path;

  it('names runs on a rule world as it did when settings had no data, no curriculum, no precision, no decoding, no pass rates and no own reward', () => {
    const parsed = v.parse(GrpoExperimentSchema, { data: { kind: 'world', seed: 3 } });
    const { data, passRates, reward: { own, ...reward }, ...others } = parsed; // prettier-ignore
    const { kind, ...world } = data;
    const { curriculum, precision, decoding, ...grpo } = others.grpo;
    const old = hashHex(canonicalJson([{ ...others, reward, grpo, world }, 'abc']));
    expect([kind, passRates, own, curriculum.kind]).toEqual(['world', null, null, 'random']);
    expect([precision, decoding]).toEqual(['f32', 'free']);
    expect(experimentRunFolder('runs', parsed, 'abc').path).toBe(join('runs', 'grpo', old));
  });

  it('names students and orders as it did when settings had no precision', () => {
    const student = v.parse(DistillExperimentSchema, {});
    const { precision, decoding, ...distill } = student.distill;
    const old = hashHex(canonicalJson([{ ...student, distill }, 'abc']));
    expect([precision, decoding]).toEqual(['f32', 'free']);
    expect(distillRunFolder('runs', student, 'abc').path).toBe(join('runs', 'distill', old));
    const mixed = v.parse(DistillExperimentSchema, { distill: { precision: 'mixed' } });
    const held = v.parse(DistillExperimentSchema, { distill: { decoding: 'grounded' } });
    for (const other of [mixed, held])
      expect(distillRunFolder('runs', other, 'abc').path).not.toBe(join('runs', 'distill', old));

    const ordered = v.parse(OrderExperimentSchema, {});
    const { precision: _, ...sft } = ordered.sft;
    const oldOrder = hashHex(canonicalJson({ ...ordered, sft }));
    expect(orderRunFolder('runs', ordered).path).toBe(join('runs', 'order', oldOrder));
  });

  it('distinguishes runs by curriculum, precision, pass rates and data', () => {
    const staged: GrpoExperimentInput = { passRates: {}, grpo: { curriculum: { kind: 'staged' } } };
    const paths = [
      pathOf({}),
      pathOf({ grpo: { precision: 'mixed' } }),
      pathOf({ passRates: {} }),
      pathOf({ passRates: { keep: 'all' } }),
      pathOf(staged),
      pathOf({ ...staged, grpo: { curriculum: { kind: 'reversed' } } }),
      pathOf({ ...staged, data: { kind: 'world', seed: 2 } }),
    ];
    expect(new Set(paths).size).toBe(paths.length);
  });
});

let folder: string;
let root: string;

beforeAll(async () => {
  await useBackend('wasm');
  folder = await mkdtemp(join(tmpdir(), 'lab-experiment-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  root = await mkdtemp(join(folder, 'runs-'));
  const model = join(root, 'starts', 'seed-1', 'model');
  await mkdir(model, { recursive: true });
  for (const [name, bytes] of smallModelFiles()) await writeFile(join(model, name), bytes);
});

function context(signal = new AbortController().signal): ExperimentContext {
  const startFolder = (seed: number): Promise<string> => startModel(join(root, 'starts'), seed, signal, 'a test');
  return {
    root,
    device: 'a test',
    commit: 'none',
    signal,
    testPairs: 4,
    startFolder,
    teacherFolder: join(root, 'starts', 'seed-1', 'model'),
  };
}

async function runFolder(): Promise<string> {
  const [name] = await readdir(join(root, 'grpo'));
  return join(root, 'grpo', name ?? '');
}

describe('resultOf', () => {
  it('trains once and reads the result from then on', async () => {
    const first = await resultOf(ARM, 1, context());
    expect(first?.curve.map(({ step }) => step)).toEqual([0, 2, 4]);
    expect(first?.metrics.accuracy).not.toBeNull();
    const aborted = new AbortController();
    aborted.abort(); // training anything would throw
    expect(await resultOf(ARM, 1, context(aborted.signal))).toEqual(first);
  });

  it('resumes where it was interrupted, to the same numbers', async () => {
    const whole = await resultOf(ARM, 1, context());
    const path = await runFolder();
    const steps = await readFile(join(path, 'steps.jsonl'), 'utf8');
    await rm(path, { recursive: true });

    const controller = new AbortController();
    const interrupted = resultOf(ARM, 1, context(controller.signal));
    await expect
      .poll(() => readdir(path).catch(() => []), { timeout: 60_000, interval: 5 })
      .toContain('checkpoint.safetensors');
    controller.abort();
    // Unless it was finished before.
    await interrupted.catch((error: unknown) => {
      if (!(error instanceof LabError) || error.code !== 'aborted') throw error;
    });
    expect(await resultOf(ARM, 1, context())).toEqual(whole);
    expect(withoutTimes(await readFile(join(path, 'steps.jsonl'), 'utf8'))).toEqual(withoutTimes(steps));
  });

  it('leaves a run to the process that works on it, and takes it over once that is gone', async () => {
    await resultOf(ARM, 1, context());
    const path = await runFolder();
    await rm(join(path, 'result.json'));
    await writeFile(join(path, 'claim'), String(process.ppid));
    expect(await resultOf(ARM, 1, context())).toBeUndefined();
    await writeFile(join(path, 'claim'), String(2 ** 22 + 1)); // above Linux's largest process id
    expect(await resultOf(ARM, 1, context())).toBeDefined();
    expect(await readdir(path)).not.toContain('claim');
  });

  it('measures the unchanged start, once', async () => {
    const start: Arm = { name: 'SFT', run: { kind: 'start' } };
    const first = await resultOf(start, 1, context());
    expect(first?.curve).toEqual([]);
    const aborted = new AbortController();
    aborted.abort(); // measuring would throw
    expect(await resultOf(start, 1, context(aborted.signal))).toEqual(first);
  });

  it('trains a student once, and measures its teacher once', async () => {
    const world = { trainQueries: 20, devQueries: 4, testQueries: 4 };
    const distill = { steps: 2, batchSize: 4, maxTokens: 8, method: { kind: 'trace', minReward: 0 } } as const;
    const student: Arm = {
      name: 'student',
      run: { kind: 'distill', settings: { world, queries: 2, devPairs: 4, distill } },
    };
    const teacher: Arm = { name: 'teacher', run: { kind: 'teacher' } };
    const taught = await resultOf(student, 1, context());
    expect(taught?.curve.map(({ step }) => step)).toEqual([2]);
    expect(taught?.tokens.learned).toBeGreaterThan(0);
    const knows = await resultOf(teacher, 1, context());
    const aborted = new AbortController();
    aborted.abort(); // training anything would throw
    expect(await resultOf(student, 1, context(aborted.signal))).toEqual(taught);
    expect(await resultOf(teacher, 2, context(aborted.signal))).toEqual({ ...knows, seed: 2 });
  });

  it('names the path of a damaged result', async () => {
    await resultOf(ARM, 1, context());
    await writeFile(join(await runFolder(), 'result.json'), '{"seed":');
    await expect(resultOf(ARM, 1, context())).rejects.toThrow(/result\.json/u);
  });
});

function withoutTimes(lines: string): unknown[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const { times: _times, tokensPerSec: _speed, ...rest } = JSON.parse(line) as Record<string, unknown>;
      return rest;
    });
}
