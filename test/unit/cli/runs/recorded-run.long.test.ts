/** `lab grpo --record`: a file that the page plays, whole also for a run that was stopped, and never over another. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRecording, type Recording } from '../../../../src/protocol/recording.ts';
import { lab, labUntil } from '../lab.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const settings = {
  name: 'tiny',
  data: { kind: 'world' },
  queries: 6,
  probePrompts: 2,
  probeSamples: 2,
  devPairs: 12,
  grpo: { steps: 3, prompts: 2, samples: 2, maxTokens: 12, evaluateEvery: 1, checkpointEvery: 100, keepEvery: 2 },
};
const train = (out: string, ...more: string[]): string[] => ['grpo', '--out', at(out), '--backend', 'wasm', ...more];
const settled = ['--config', 'run.json'] as const;
const begin = (out: string, ...more: string[]): string[] => train(out, settled[0], at(settled[1]), ...more);
const recorded = async (name: string): Promise<Recording> => parseRecording(name, await readFile(at(name), 'utf8'));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-recorded-'));
  await writeFile(at('run.json'), JSON.stringify(settings));
});
afterAll(() => rm(folder, { recursive: true }));

describe('lab grpo --record', () => {
  it('records each measurement, and a run that was stopped as if it had not been', async () => {
    const whole = await lab(...begin('whole', '--record', at('whole.json')));
    expect(whole.err).toContain('Recorded in');
    const recording = await recorded('whole.json');
    expect(recording.frames.map(({ step }) => step)).toEqual([0, 1, 2, 3]);
    expect(recording.frames.map(({ coefficient }) => coefficient)).toEqual([0.3, 0.3, 0.3, 0.3]);
    expect(recording.pairs).toHaveLength(12);
    expect(recording.groups.map(({ step }) => step)).toEqual([2]);
    expect(recording.groups[0]?.groups[0]?.completions).toHaveLength(2);
    expect(recording.experiment).toMatchObject(settings);

    const stopped = await labUntil(/Step 1: reward/u, ...begin('stopped', '--record', at('stopped.json')));
    expect(stopped.code).toBe(130);
    const resumed = await lab(...train('stopped', '--resume', '--record', at('stopped.json')));
    expect(resumed.code).toBe(0);
    const { date: _d, ...again } = await recorded('stopped.json');
    const { date: _e, ...once } = recording;
    expect(again).toEqual(once);
  });

  it('refuses a file that is there before it computes, and replaces it by --force alone', async () => {
    await writeFile(at('mine.json'), 'mine');
    const refused = await lab(...begin('refused', '--record', at('mine.json')));
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/exists already: .*mine\.json.*--record/su);
    expect(refused.err).not.toContain('Computing on');
    expect(await readFile(at('mine.json'), 'utf8')).toBe('mine');
    const input = await lab(...begin('refused', '--record', at('run.json'), '--force'));
    expect(input.err).toMatch(/--record .*run\.json would replace the input/su);
    expect((await lab(...begin('forced', '--steps', '1', '--record', at('mine.json'), '--force'))).code).toBe(0);
    expect((await recorded('mine.json')).frames).toHaveLength(2);
  });

  it('refuses to record the end of a run whose beginning it has not', async () => {
    const stopped = await labUntil(/Step 1: reward/u, ...begin('unrecorded'));
    expect(stopped.code).toBe(130);
    const resumed = await lab(...train('unrecorded', '--resume', '--record', at('late.json')));
    expect(resumed.code).toBe(2);
    expect(resumed.err).toMatch(/was not recorded from its beginning.*Resume it without --record/su);
  });
});
