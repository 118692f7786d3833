/**
 * Whole demonstrations in this process: the events of branches, that they learn in turn and independently, and that a
 * fork without changes equals the run it was forked from, bit for bit.
 */
import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import { type GrpoCommand, GrpoEventSchema } from '../../../src/protocol/grpo.ts';
import { GrpoHarness, MODEL_URL, tinyBranch } from './grpo-harness.ts';

describe('a demonstration', () => {
  it('sends its events in order, in a form that the page accepts', async () => {
    const harness = new GrpoHarness();
    await harness.runToEnd({ MBO: tinyBranch() });

    expect(harness.events.map(({ kind }) => kind).join(' ')).toBe(
      'preparing preparing backend preparing prepared branch measure checkpoint step step kept measure checkpoint ' +
        'step step kept measure branch-ended finished stopped',
    );
    for (const event of harness.events) expect(v.parse(GrpoEventSchema, event)).toEqual(event);
    const [prepared] = harness.of('prepared');
    expect(prepared?.rules).toHaveLength(32);
    expect(prepared?.rules.filter(({ isTail }) => isTail).length).toBeGreaterThan(5);
    expect(prepared?.bounds).toEqual({ rewardGain: 0.05, tailRecallLoss: 0.2, distinctRulesLoss: 0.3 });
    expect(harness.of('measure').map(({ point }) => point.step)).toEqual([0, 2, 4]);
    // What a recording of the branch needs.
    expect(prepared?.pairs.length).toBe(harness.of('measure')[0]?.point.measures.heldOut.pairs);
    for (const { answers } of harness.of('measure')) {
      const lengths = [answers?.rules, answers?.labels, answers?.sure].map((list) => list?.length);
      expect(lengths).toEqual(lengths.map(() => prepared?.pairs.length));
    }
    expect(harness.of('measure')[0]?.point.collapse).toMatchObject({ isCollapsed: false, rewardGain: 0 });
    expect(harness.of('step')[0]?.rules.cited).toHaveLength(32);
    expect(harness.of('step')[0]?.rollouts).toBe(4);
    const group = harness.of('kept')[0]?.groups[0];
    expect(group?.promptTokens.at(-1)).toBe('<|answer|>');
    expect(group?.goldTokens.at(-1)).toBe('<|eos|>');
    expect(group?.completions.length).toBeGreaterThan(0);
    for (const { tokens, advantages, ratios } of group?.completions ?? []) {
      expect([advantages.length, ratios.length]).toEqual([tokens.length, tokens.length]);
    }
  });

  it('lets branches step in turn, each as it would alone, and frees what it allocates', async () => {
    const harness = new GrpoHarness();
    const branches = { GRPO: tinyBranch({ balance: { kind: 'additive', lambda: 0.1 } }), MBO: tinyBranch() };
    const alone: (string | null | undefined)[] = [];
    const points: unknown[] = [];
    for (const [name, branch] of Object.entries(branches)) {
      await harness.runToEnd({ [name]: branch });
      alone.push(harness.hashOf(0));
      points.push(harness.of('measure').map(({ point }) => point));
    }
    const before = tf.memory().numTensors;
    await harness.runToEnd(branches);
    expect(tf.memory().numTensors).toBe(before);
    expect(harness.of('step').map(({ branch, step }) => `${branch}:${step}`)).toEqual(
      [1, 2, 3, 4].flatMap((step) => [`0:${step}`, `1:${step}`]),
    );
    expect([harness.hashOf(0), harness.hashOf(1)]).toEqual(alone);
    expect(alone[0]).not.toBe(alone[1]);
    // The start is measured once for both, with the result that each would have.
    const together = [0, 1].map((id) => harness.of('measure').filter(({ branch }) => branch === id));
    expect(together[1]?.[0]?.answers).toEqual(together[0]?.[0]?.answers);
    expect(together.map((events) => events.map(({ point }) => point))).toEqual(points);
    // One that is twice as fast makes two steps for one, and the same ones.
    const paced = Object.entries(branches).map(([name, experiment], i) => ({ name, experiment, pace: 2 - i }));
    await harness.runToEnd({}, { branches: paced });
    expect(harness.of('step').map(({ branch, step }) => `${branch}:${step}`)).toEqual(
      ['0:1', '1:1', '0:2', '0:3', '1:2', '0:4', '1:3', '1:4'], // prettier-ignore
    );
    expect([harness.hashOf(0), harness.hashOf(1)]).toEqual(alone);
  });

  it('forks a branch at a checkpoint: to the same bits if nothing changes, to others if the coefficient does', async () => {
    const harness = new GrpoHarness();
    const over = harness.run({ MBO: tinyBranch() });
    await harness.next('finished');
    for (const [step, coefficient] of [
      [2, null],
      [0, null],
      [2, 1],
    ] as const) {
      // prettier-ignore
      const ended = harness.next('finished');
      await harness.command({ kind: 'fork', branch: 0, step, name: `from ${step}`, coefficient });
      await ended;
    }
    await harness.command({ kind: 'stop' });
    await over;
    expect(harness.of('branch').map(({ parent }) => parent?.step)).toEqual([undefined, 2, 0, 2]);
    expect(harness.of('branch')[1]?.curve.map(({ step }) => step)).toEqual([0, 2]);
    expect(harness.hashOf(1)).toBe(harness.hashOf(0));
    expect(harness.hashOf(2)).toBe(harness.hashOf(0));
    expect(harness.hashOf(3)).not.toBe(harness.hashOf(0));
    expect(harness.of('step').filter(({ branch }) => branch === 3).map(({ balance }) => balance.coefficient)).toEqual([1, 1]); // prettier-ignore
  });

  it('changes the coefficient of one branch from its next step on, and saves it in checkpoints', async () => {
    const harness = new GrpoHarness();
    harness.onEvent((event) => {
      if (event.kind !== 'step' || event.branch !== 0 || event.step !== 1) return;
      void harness.command({ kind: 'coefficient', branch: 0, value: 0.7 });
    });
    const over = harness.run({ turned: tinyBranch(), kept: tinyBranch() });
    await harness.next('finished');
    const forked = harness.next('finished');
    await harness.command({ kind: 'fork', branch: 0, step: 2, name: 'fork', coefficient: null });
    await forked;
    await harness.command({ kind: 'stop' });
    await over;
    const coefficients = (branch: number) =>
      harness
        .of('step')
        .filter((event) => event.branch === branch)
        .map(({ balance }) => balance.coefficient);
    expect(coefficients(0)).toEqual([0.3, 0.7, 0.7, 0.7]);
    expect(coefficients(1)).toEqual([0.3, 0.3, 0.3, 0.3]);
    expect(coefficients(2)).toEqual([0.7, 0.7]);
    expect(harness.hashOf(2)).toBe(harness.hashOf(0));
  });

  it('pauses, makes a step of every branch on request, and continues to the same end', async () => {
    const harness = new GrpoHarness();
    const branches = { a: tinyBranch({ steps: 2 }), b: tinyBranch({ steps: 2 }) };
    await harness.runToEnd(branches);
    const whole = [harness.hashOf(0), harness.hashOf(1)];

    const over = harness.run(branches);
    const steps = (): number[] => harness.of('step').map(({ branch }) => branch);
    let paused = harness.next('paused');
    await harness.command({ kind: 'pause' });
    await paused;
    expect(steps()).toEqual([]);
    paused = harness.next('paused');
    await harness.command({ kind: 'step' });
    await paused;
    expect(steps()).toEqual([0, 1]);
    const finished = harness.next('finished');
    await harness.command({ kind: 'resume' });
    await finished;
    await harness.command({ kind: 'stop' });
    expect(await over).toEqual({ kind: 'stopped' });
    expect([harness.hashOf(0), harness.hashOf(1)]).toEqual(whole);
  });

  it('stops at once on request, also while paused, and can be started again', async () => {
    const harness = new GrpoHarness();
    for (let round = 0; round < 2; round++) {
      const over = harness.run({ a: tinyBranch(), b: tinyBranch() });
      const paused = harness.next('paused');
      await harness.command({ kind: 'pause' });
      await paused;
      await harness.command({ kind: 'stop' });
      expect(await over).toEqual({ kind: 'stopped' });
      expect(harness.of('step')).toEqual([]);
    }
    expect(tf.memory().numTensors).toBe(0);
  });

  it('ends a branch whose numbers are not finite, and continues the others', async () => {
    const harness = new GrpoHarness();
    await harness.runToEnd({ broken: tinyBranch({ learningRate: 1e30 }), sound: tinyBranch() });
    const [broken] = harness.of('branch-ended');
    expect(broken).toMatchObject({ branch: 0, weightsHash: null, failure: { code: 'not-finite' } });
    expect(harness.of('step').filter(({ branch }) => branch === 1)).toHaveLength(4);
  });

  it('refuses impossible commands, and changes nothing', async () => {
    const harness = new GrpoHarness();
    const over = harness.run({ a: tinyBranch({ balance: { kind: 'convex', mu: 0.5 } }) });
    await harness.next('finished');
    const refused: [GrpoCommand, string][] = [
      [{ kind: 'coefficient', branch: 4, value: 1 }, 'not-found'],
      [{ kind: 'coefficient', branch: 0, value: 2 }, 'bad-config'],
      [{ kind: 'fork', branch: 0, step: 3, name: 'f', coefficient: null }, 'not-found'],
      [{ kind: 'fork', branch: 0, step: 2, name: 'f', coefficient: 2 }, 'bad-config'],
    ];
    for (const [command] of refused) await harness.command(command);
    expect(harness.of('refused').map(({ code }) => code)).toEqual(refused.map(([, code]) => code));
    expect(harness.of('branch')).toHaveLength(1);
    await expect(harness.command({ kind: 'coefficient', branch: 0, value: NaN })).rejects.toBeInstanceOf(LabError);
    await harness.command({ kind: 'stop' });
    await over;
  });

  it('fails with a typed event where it cannot start, and runs the next request', async () => {
    const harness = new GrpoHarness();
    expect(await harness.run({ a: { steps: 'many' } })).toMatchObject({ kind: 'failed', code: 'bad-config' });
    const elsewhere = { modelUrl: `${MODEL_URL}elsewhere/` };
    expect(await harness.run({ a: tinyBranch() }, elsewhere)).toMatchObject({ kind: 'failed', code: 'not-found' });
    await harness.runToEnd({ a: tinyBranch({ steps: 1 }) });
    expect(harness.hashOf(0)).toMatch(/^[0-9a-f]{16}$/u);
  });

  it('runs one demonstration at a time', async () => {
    const harness = new GrpoHarness();
    const over = harness.run({ a: tinyBranch({ steps: 1 }) });
    const second: unknown[] = [];
    await harness.service.run(
      { modelUrl: MODEL_URL, backend: 'wasm', branches: [{ name: 'b', experiment: tinyBranch() }] },
      (event) => second.push(event),
    );
    expect(second).toMatchObject([{ kind: 'failed', code: 'bad-config' }]);
    await harness.next('finished');
    await harness.command({ kind: 'stop' });
    expect(await over).toEqual({ kind: 'stopped' });
  });
});
