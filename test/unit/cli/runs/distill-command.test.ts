/**
 * `lab distill` as users meet it: a student from a teacher folder, and errors about unusable input. The teacher has
 * random weights, because its predictions do not matter here.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { trainWorldTokenizer } from '../../../../src/runs/sft-experiment.ts';
import { type ModelCard, ModelCardSchema } from '../../../../src/infer/model-card.ts';
import { SftExperimentSchema } from '../../../../src/protocol/sft-experiment.ts';
import { SMALL_WORLD, smallModelFiles } from '../../../reference/small-lab-model.ts';
import { lab as runLab, labUntil, type Result } from '../lab.ts';
import { whole } from '../../../setup/whole.ts';

let folder: string;
let teacher: string;

function lab(...args: string[]): Promise<Result> {
  return runLab('distill', '--teacher', teacher, '--backend', 'wasm', ...args);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-distill-'));
  teacher = join(folder, 'teacher');
  await mkdir(teacher);
  for (const [name, bytes] of smallModelFiles()) await writeFile(join(teacher, name), bytes);
});
afterAll(() => rm(folder, { recursive: true }));

describe('lab distill', () => {
  const out = (): string => join(folder, 'student');

  it('makes a student whose card names the teacher, and does not start twice in one folder', async () => {
    const settings = ['--method', 'label-kd', '--queries', '4', '--steps', '2', '--batch', '8', '--seed', '3'];
    const first = await lab('--out', out(), ...settings);
    expect(first.err).toMatch(/teaches student.*temperature 2/u);
    expect(first.code).toBe(0);
    const card: ModelCard = v.parse(
      ModelCardSchema,
      JSON.parse(await readFile(join(out(), 'model', 'card.json'), 'utf8')),
    );
    expect(card.distillation?.teacher).toBe('random');
    expect(first.err).toContain(`weights ${card.distillation?.teacherHash ?? 'missing'}`);
    expect(card.training.command).toMatch(/--method label-kd --temperature 2 .*--steps 2 .*--seed 3/u);
    expect(card.training.tokens).toBeGreaterThan(0);

    const again = await lab('--out', out(), ...settings);
    expect(again.code).toBe(2);
    expect(again.err).toMatch(/already.*--resume/su);
    const resumed = await lab('--out', out(), '--resume'); // already finished: only the folder is written
    expect(resumed.code).toBe(0);
    expect(resumed.err.match(/Weights (\w+)\./u)?.[1]).toBe(first.err.match(/Weights (\w+)\./u)?.[1]);
  }, 240_000); // three processes, on a machine that may be busy

  whole(
    'saves when it is stopped, and resumes to the same model and log',
    async () => {
      const settings = ['--method', 'label-kd', '--queries', '4', '--steps', '12', '--batch', '8', '--seed', '3'];
      const [whole, cut] = [join(folder, 'whole'), join(folder, 'cut')];
      expect((await lab('--out', whole, ...settings)).code).toBe(0);
      const stopped = await labUntil(
        /Steps: 10\/12/u,
        'distill',
        '--teacher',
        teacher,
        '--backend',
        'wasm',
        '--out',
        cut,
        ...settings,
      );
      expect(stopped.code).toBe(130);
      expect(stopped.err).toMatch(/Saved after \d+ updates; continue with --resume/u);
      expect(existsSync(join(cut, 'model'))).toBe(false);
      expect((await lab('--out', cut, '--resume')).code).toBe(0);
      for (const name of [['model', 'model.safetensors'], ['log.jsonl']]) {
        expect(await readFile(join(cut, ...name))).toEqual(await readFile(join(whole, ...name)));
      }
    },
    240_000,
  );

  it('rejects settings of another method, naming its own', async () => {
    const { code, err } = await lab('--out', join(folder, 'a'), '--method', 'jsd', '--temperature', '3');
    expect(code).toBe(2);
    expect(err).toMatch(/jsd has no --temperature.*--beta, --completions/su);
  });

  it('rejects a student with another tokenizer, naming both', async () => {
    const student = join(folder, 'other');
    await mkdir(student);
    const tokenizer = trainWorldTokenizer(SMALL_WORLD, v.parse(SftExperimentSchema, {}), 480);
    for (const [name, bytes] of smallModelFiles()) {
      await writeFile(join(student, name), name === 'tokenizer.json' ? JSON.stringify(tokenizer.toJson()) : bytes);
    }
    const { code, err } = await lab('--out', join(folder, 'b'), '--student', student);
    expect(code).toBe(2);
    expect(err).toMatch(new RegExp(`teacher's tokenizer \\w+\\. Got ${tokenizer.fingerprint}.*--student`, 'su'));
  });

  it('reports a missing or broken checkpoint or teacher', async () => {
    const nothing = await lab('--out', join(folder, 'c'), '--resume');
    expect(nothing.code).toBe(2);
    expect(nothing.err).toMatch(/no checkpoint to resume/u);
    const broken = join(folder, 'd');
    await mkdir(broken);
    await writeFile(join(broken, 'checkpoint.safetensors'), 'not one');
    expect((await lab('--out', broken, '--resume')).code).toBe(2);
    const nobody = await lab('--out', join(folder, 'e'), '--teacher', join(folder, 'nowhere'));
    expect(nobody.code).toBe(2);
    expect(nobody.err).toMatch(/nowhere.*cannot be read/su);
  });
});
