/**
 * Turns among branches: one at a time, the one that is behind first, and none while paused.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TurnTaker } from '../../../src/sessions/turn-taking.ts';

/** Branches that only count, and note who had the turn. */
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
  it('lets branches open in their order, and then step one after another', async () => {
    const bench = new Bench();
    await Promise.all([bench.run(0, 2), bench.run(1, 2), bench.run(2, 2)]);
    expect(bench.log).toEqual(['open 0', 'open 1', 'open 2', '0:1', '1:1', '2:1', '0:2', '1:2', '2:2']);
  });

  it('never lets two compute at once, and always the one that is behind', async () => {
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

  it('holds steps back while paused, lets a round through on request, and goes on', async () => {
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

  it('lets only those step that are behind', async () => {
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

  it('opens a branch while paused', async () => {
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

  it('gives a turn for an errand also in a pause, which is no step and ends no pause', async () => {
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
