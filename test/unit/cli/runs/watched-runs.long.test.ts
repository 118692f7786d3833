/** `--watch` and `--patience`: where a run ends, its best checkpoint, and both after an interruption. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSftCheckpoint } from '../../../../src/runs/sft-checkpoint.ts';
import { MEASURED } from '../../../../src/runs/run-summary.ts';
import { readRun } from '../../../../src/cli/runs/run-reader.ts';
import { smallModelFiles } from '../../../reference/small-lab-model.ts';
import { lab, labUntil } from '../lab.ts';

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);
const ON_WASM = ['--backend', 'wasm'];
/** Nothing is learned, so nothing improves. */
const IDLE = { learningRate: 1e-12, evaluateEvery: 1, checkpointEvery: 2 };
const DATA = { kind: 'world', trainQueries: 20, devQueries: 4, testQueries: 4 };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-watched-'));
  await mkdir(at('model'));
  for (const [name, bytes] of smallModelFiles()) await writeFile(at('model', name), bytes);
  const sft = {
    preset: 'lab-nano',
    data: DATA,
    devPairs: 1,
    sft: { ...IDLE, warmupSteps: 0, steps: 8, batchSize: 4, logEvery: 1 },
  };
  await writeFile(at('sft.json'), JSON.stringify(sft));
  const sizes = { steps: 8, prompts: 2, samples: 2, maxTokens: 6, expertBatch: 2 };
  const grpo = { data: DATA, queries: 4, probePrompts: 2, devPairs: 1, grpo: { ...IDLE, ...sizes } };
  await writeFile(at('grpo.json'), JSON.stringify(grpo));
});
afterAll(() => rm(folder, { recursive: true }));

const RULE = ['--watch', 'accuracy', '--patience', '2'];
const sft = (out: string, ...more: string[]): string[] => ['sft', '--out', at(out), ...ON_WASM, ...more];
const bytesOf = (...names: string[]): Promise<Buffer> => readFile(at(...names));
const stepsOf = async (...names: string[]): Promise<unknown> => {
  const card = JSON.parse(String(await bytesOf(...names, 'card.json'))) as { training: Record<string, unknown> };
  return card.training['steps'];
};

describe('a watched run', () => {
  it('ends by its rule, and has the model of its best checkpoint beside the last one', async () => {
    const made = await lab(...sft('whole', '--config', at('sft.json'), ...RULE));
    expect(made.code).toBe(0);
    expect(made.err).toMatch(/Ended by its rule after 4 of 8 steps.*best checkpoint is that of step 2/su);
    expect(await stepsOf('whole', 'model')).toBe(4);
    expect(await stepsOf('whole', 'best')).toBe(2);
    expect(readSftCheckpoint(await bytesOf('whole', 'best.safetensors')).state.step).toBe(2);
    const { training } = JSON.parse(String(await bytesOf('whole', 'model', 'card.json'))) as {
      training: { command: string };
    };
    expect(training.command).toMatch(/--watch accuracy --patience 2$/u);
    const listed = await lab('runs', at('whole'));
    expect(listed.out).toMatch(/finished\s+4\/8.*best accuracy \d\.\d{3} at step 2/u);
    const compared = await lab('compare', at('whole'));
    expect(compared.out).toMatch(/## Best checkpoints.*\| accuracy \(highest\) \| \d\.\d{4} \| 2 \|/su);
    expect(compared.out).toMatch(/step 4 of 8, ended early by its rule/u);
  });

  it('ends there as well after a stop, and after it was killed at its last checkpoint', async () => {
    const stopped = await labUntil(/Step 3: held-out/u, ...sft('stopped', '--config', at('sft.json'), ...RULE));
    expect(stopped.code).toBe(130);
    expect((await readRun(at('stopped'))).state).toBe('stopped');
    const again = await lab(...sft('stopped', '--resume', ...RULE));
    expect(again.err).toMatch(/Ended by its rule after 4 of 8/u);
    await cp(at('whole'), at('killed'), { recursive: true });
    for (const name of ['model', 'best']) await rm(at('killed', name), { recursive: true });
    const killed = await lab(...sft('killed', '--resume'));
    expect(killed.err).toMatch(/Ended by its rule after 4 of 8/u);
    expect(killed.err).not.toMatch(/Step 5/u);
    for (const run of ['stopped', 'killed']) {
      for (const file of ['model/model.safetensors', 'best/model.safetensors', 'best.safetensors']) {
        expect(await bytesOf(run, file)).toEqual(await bytesOf('whole', file));
      }
      const { best, state, curve } = await readRun(at(run));
      const whole = await readRun(at('whole'));
      expect({ best, state }).toEqual({ best: whole.best, state: 'finished' });
      expect(curve.map(({ step, measures }) => ({ step, measures }))).toEqual(
        whole.curve.map(({ step, measures }) => ({ step, measures })),
      );
    }
  });

  it('makes the copy that a killed process owes, and keeps its rule', async () => {
    const other = await lab(...sft('killed', '--resume', '--watch', 'accuracy', '--patience', '3'));
    expect(other.code).toBe(2);
    expect(other.err).toMatch(/keeps the rule.*--watch accuracy --patience 2.*Got --watch accuracy --patience 3/su);
    const first = await lab(...sft('first', '--config', at('sft.json'), '--steps', '2', '--watch', 'accuracy'));
    expect(first.code).toBe(0);
    const copy = await bytesOf('first', 'best.safetensors');
    await rm(at('first', 'best.safetensors'));
    expect((await lab(...sft('first', '--resume'))).code).toBe(0);
    expect(await bytesOf('first', 'best.safetensors')).toEqual(copy);
  });

  it('is refused what it cannot watch, by name', async () => {
    const unknown = await lab(...sft('refused', '--watch', 'tailRecall'));
    expect(unknown.code).toBe(2);
    expect(unknown.err).toMatch(/do not measure "tailRecall".*accuracy, expertLossNats, lossNats/su);
    const nothing = await lab(...sft('refused', '--patience', '2'));
    expect(nothing.err).toMatch(/--patience needs a measure to watch/u);
    const inside = await lab('sweep', 'sft', '--out', at('refused'), '--', '--watch', 'accuracy');
    expect(inside.err).toMatch(/sets --watch for its runs itself/u);
  });

  it('may learn by reinforcement or from a teacher', async () => {
    const start = ['--config', at('grpo.json'), '--start', at('model')];
    const grpo = await lab('grpo', '--out', at('grpo'), ...start, ...ON_WASM, ...RULE);
    expect(grpo.err).toMatch(/Ended by its rule after 2 of 8.*best checkpoint is that of step 2/su);
    const quick = ['--method', 'label-kd', '--queries', '4', '--batch', '8', '--steps', '8', '--lr', '1e-12'];
    const often = ['--set', 'distill.evaluateEvery=1', '--set', 'distill.checkpointEvery=2'];
    const rule = ['--watch', 'macroF1', '--patience', '2'];
    const distill = await lab(
      'distill', '--out', at('student'), '--teacher', at('model'), ...quick, ...often, ...rule, ...ON_WASM,
    ); // prettier-ignore
    expect(distill.err).toMatch(/Ended by its rule after 4 of 8.*best checkpoint is that of step 2/su);
    expect([await stepsOf('student', 'model'), await stepsOf('student', 'best')]).toEqual([4, 2]);
    for (const [run, kind] of [['grpo', 'grpo'], ['student', 'distill'], ['whole', 'sft']] as const) {
      const { curve } = await readRun(at(run));
      expect(Object.keys(curve[0]?.measures ?? {}).toSorted()).toEqual([...MEASURED[kind]].toSorted());
    } // prettier-ignore
  });

  it('may be one of a sweep', async () => {
    const sweep = ['sweep', 'sft', '--set', 'sft.batchSize=2,4', '--out', at('sweep'), ...RULE];
    const made = await lab(...sweep, '--', '--config', at('sft.json'), ...ON_WASM);
    expect(made.code).toBe(0);
    expect(made.out).toMatch(/batchSize-2_seed-1 \| accuracy \(highest\)/u);
    expect(made.out.match(/step 4 of 8, ended early by its rule/gu)).toHaveLength(2);
    const other = await lab(...sweep.slice(0, -1), '3', '--', '--config', at('sft.json'), ...ON_WASM);
    expect(other.err).toMatch(/another sweep/u);
  });
});
