/**
 * Turns among runs: one at a time, the run with the fewest steps first, and none during a pause.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TurnTaker } from '../../../src/sessions/turn-taking.ts';

/** Runs that only count, and record which run had the turn. */
class Bench {
  readonly log: string[] = [];
  readonly turns = new TurnTaker({
    onPaused: () => this.log.push('paused'),
    onResumed: () => this.log.push('resumed'),
  });
  #inside = 0;
  most = 0;

  async run(branch: number, steps: number, from = 0): Promise<void> {
    await this.turns.open(branch, from);
    await this.#work(`open ${branch}`);
    for (let step = from; step < steps; step++) {
      await this.turns.pass(branch, step);
      await this.#work(`${branch}:${step + 1}`);
    }
    this.turns.leave(branch);
  }

  async #work(name: string): Promise<void> {
    this.#inside += 1;
    this.most = Math.max(this.most, this.#inside);
    this.log.push(name);
    await settled();
    this.#inside -= 1;
  }
}

/** After everything that can happen without another event. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
async function longSettled(): Promise<void> {
  for (let i = 0; i < 50; i++) await settled();
}

describe('TurnTaker', () => {
  it('lets runs open in their order, and then step one after another', async () => {
    const bench = new Bench();
    await Promise.all([bench.run(0, 2), bench.run(1, 2), bench.run(2, 2)]);
    expect(bench.log).toEqual(['open 0', 'open 1', 'open 2', '0:1', '1:1', '2:1', '0:2', '1:2', '2:2']);
  });

  it('never lets two compute at once, and always chooses the one with the fewest steps', async () => {
    const branches = fc.array(fc.record({ from: fc.nat(4), more: fc.nat(5) }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(branches, async (plans) => {
        const bench = new Bench();
        await Promise.all(plans.map(({ from, more }, id) => bench.run(id, from + more, from)));
        expect(bench.most).toBe(1);
        const steps = bench.log.filter((line) => line.includes(':')).map((line) => Number(line.split(':')[1]));
        expect(steps).toEqual(steps.toSorted((a, b) => a - b));
        expect(steps).toHaveLength(plans.reduce((sum, { more }) => sum + more, 0));
      }),
      { numRuns: 30 },
    );
  });

  it('holds steps back while paused, lets a round through on request, and continues', async () => {
    const bench = new Bench();
    bench.turns.pause();
    const all = Promise.all([bench.run(0, 3), bench.run(1, 3)]);
    await longSettled();
    expect(bench.log).toEqual(['open 0', 'open 1', 'paused']);
    bench.turns.stepOnce();
    await longSettled();
    expect(bench.log.slice(3)).toEqual(['0:1', '1:1', 'paused']);
    bench.turns.stepOnce();
    bench.turns.stepOnce();
    await longSettled();
    expect(bench.log.slice(6)).toEqual(['0:2', '1:2', '0:3', '1:3']);
    await all;
  });

  it('lets only the runs with the fewest steps step', async () => {
    const bench = new Bench();
    bench.turns.pause();
    const all = Promise.all([bench.run(0, 6, 4), bench.run(1, 6, 2)]);
    bench.turns.stepOnce();
    await longSettled();
    expect(bench.log).toEqual(['open 0', 'open 1', '1:3', 'paused']);
    bench.turns.resume();
    await all;
    expect(bench.log.slice(4)).toEqual(['resumed', '1:4', '0:5', '1:5', '0:6', '1:6']);
  });

  it('opens a run while paused', async () => {
    const bench = new Bench();
    bench.turns.pause();
    const first = bench.run(0, 1);
    await longSettled();
    const second = bench.run(1, 1);
    await longSettled();
    expect(bench.log).toEqual(['open 0', 'paused', 'open 1']);
    bench.turns.end();
    await Promise.all([first, second]);
    expect(bench.most).toBe(1);
  });

  it('gives a turn for an errand even during a pause, without a step and without ending the pause', async () => {
    const told: string[] = [];
    const turns = new TurnTaker({ onPaused: () => told.push('paused'), onResumed: () => told.push('resumed') });
    const errands = ['evaluate', 'save'];
    await turns.open(0, 0);
    turns.pause();
    const passed: string[] = [];
    const run = (async () => {
      for (;;) {
        const turn = await turns.pass(0, 0, () => errands.length > 0);
        if (turn === 'step') return;
        passed.push(String(errands.shift()));
      }
    })();
    await longSettled();
    expect([passed, told]).toEqual([['evaluate', 'save'], ['paused']]);
    errands.push('again');
    turns.lookForErrands();
    await longSettled();
    expect([passed, told]).toEqual([['evaluate', 'save', 'again'], ['paused']]);
    turns.resume();
    await run;
    expect(told).toEqual(['paused', 'resumed']);
  });
});
