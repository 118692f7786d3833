/** Commands at the gate between two updates. */
import { describe, expect, it } from 'vitest';
import { RunControl } from '../../../src/sessions/run-control.ts';
import { yieldToMessages } from '../../../src/common/yield.ts';

/** A gate that writes down what it does, and the number of times it was passed. */
class Gate {
  readonly control = new RunControl();
  readonly did: string[] = [];
  passed = 0;

  /** Makes updates until told to end. */
  async run(updates: number): Promise<void> {
    for (let i = 0; i < updates && !this.control.endSignal.aborted; i++) {
      await this.control.passGate({
        evaluate: () => this.#note('evaluate'),
        save: (isAutomatic) => this.#note(isAutomatic ? 'save' : 'save as asked'),
        onPaused: () => this.did.push('paused'),
        onResumed: () => this.did.push('resumed'),
      });
      if (!this.control.endSignal.aborted) this.passed += 1;
    }
  }

  async #note(what: string): Promise<void> {
    await Promise.resolve();
    this.did.push(what);
  }
}

describe('a gate', () => {
  it('lets a run pass when nothing was asked', async () => {
    const gate = new Gate();
    await gate.run(3);
    expect(gate.passed).toBe(3);
    expect(gate.did).toEqual([]);
  });

  it('stops at a pause, lets single steps through, and opens again', async () => {
    const gate = new Gate();
    gate.control.apply({ kind: 'pause' });
    const ran = gate.run(5);
    await yieldToMessages();
    expect([gate.passed, gate.did]).toEqual([0, ['paused']]);
    gate.control.apply({ kind: 'step' });
    await yieldToMessages();
    expect([gate.passed, gate.did]).toEqual([1, ['paused', 'paused']]);
    gate.control.apply({ kind: 'resume' });
    await ran;
    expect([gate.passed, gate.did]).toEqual([5, ['paused', 'paused', 'resumed']]);
  });

  it('knows which update was asked for by itself', async () => {
    const gate = new Gate();
    gate.control.apply({ kind: 'step' });
    await gate.run(1);
    expect(gate.control.isSingleStep).toBe(true);
    gate.control.apply({ kind: 'resume' });
    await gate.run(1);
    expect(gate.control.isSingleStep).toBe(false);
  });

  it('as many steps as were asked for are made', async () => {
    const gate = new Gate();
    for (let i = 0; i < 3; i++) gate.control.apply({ kind: 'step' });
    const ran = gate.run(9);
    await yieldToMessages();
    expect([gate.passed, gate.did]).toEqual([3, ['paused']]);
    gate.control.apply({ kind: 'resume' });
    await ran;
  });

  it('evaluates and saves while paused, once each', async () => {
    const gate = new Gate();
    gate.control.apply({ kind: 'pause' });
    const ran = gate.run(2);
    await yieldToMessages();
    gate.control.apply({ kind: 'evaluate' });
    gate.control.apply({ kind: 'evaluate' });
    gate.control.apply({ kind: 'save' });
    await yieldToMessages();
    expect(gate.did).toEqual(['paused', 'evaluate', 'save as asked']);
    gate.control.apply({ kind: 'resume' });
    await ran;
    expect(gate.passed).toBe(2);
  });

  it('a stop saves and ends the run, paused or not', async () => {
    const gate = new Gate();
    gate.control.apply({ kind: 'pause' });
    const ran = gate.run(5);
    await yieldToMessages();
    gate.control.apply({ kind: 'stop' });
    expect(gate.control.stopSignal.aborted).toBe(true);
    expect(gate.control.endSignal.aborted).toBe(false);
    await ran;
    expect([gate.passed, gate.did]).toEqual([0, ['paused', 'save']]);
    expect(gate.control.endSignal.aborted).toBe(true);
  });

  it('a stop comes before all else that was asked', async () => {
    const gate = new Gate();
    for (const kind of ['evaluate', 'step', 'save', 'stop'] as const) gate.control.apply({ kind });
    await gate.run(5);
    expect([gate.passed, gate.did]).toEqual([0, ['save']]);
  });

  it('remembers whether somebody looks', () => {
    const { control } = new Gate();
    expect(control.isVisible).toBe(true);
    control.apply({ kind: 'visibility', isVisible: false });
    expect(control.isVisible).toBe(false);
  });
});
