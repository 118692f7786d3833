/** The pacing of GPU work, with a fake GPU and a fake clock. */
import { describe, expect, it } from 'vitest';
import { Pacer } from '../../../src/common/pacing.ts';

/** A GPU whose pieces take `pieceMs` each; time advances only while it is awaited. */
class FakeGpu {
  nowMs = 0;
  isVisible = true;
  pieceMs: number;
  #queued = 0;
  /** The number of pieces at each wait. */
  readonly waits: number[] = [];
  readonly pacer: Pacer;

  constructor(pieceMs: number) {
    this.pieceMs = pieceMs;
    this.pacer = new Pacer({
      waitForGpu: async () => {
        await Promise.resolve();
        this.nowMs += this.#queued * this.pieceMs;
        this.waits.push(this.#queued);
        this.#queued = 0;
      },
      isVisible: () => this.isVisible,
      now: () => this.nowMs,
      budgetMs: 30,
    });
  }

  async train(pieces: number): Promise<void> {
    for (let i = 0; i < pieces; i++) {
      this.pacer.begin();
      this.#queued += 1;
      await this.pacer.afterPiece();
    }
  }
}

describe('while the page is visible', () => {
  it('waits for each piece that fills the budget', async () => {
    const gpu = new FakeGpu(25);
    await gpu.train(4);
    expect(gpu.waits).toEqual([1, 1, 1, 1]);
  });

  it('queues as many short pieces as fit into the budget', async () => {
    const gpu = new FakeGpu(10);
    await gpu.train(10);
    expect(gpu.waits).toEqual([1, 3, 3, 3]);
  });

  it('adapts to longer and to shorter pieces', async () => {
    const gpu = new FakeGpu(10);
    await gpu.train(4);
    gpu.pieceMs = 40;
    await gpu.train(5);
    gpu.pieceMs = 5;
    await gpu.train(7);
    expect(gpu.waits).toEqual([1, 3, 3, 1, 1, 1, 6]);
  });

  it('does not count the time before a piece', async () => {
    const gpu = new FakeGpu(10);
    await gpu.train(1);
    gpu.nowMs += 100_000; // a pause
    await gpu.train(6);
    expect(gpu.waits).toEqual([1, 3, 3]);
  });
});

describe('while the page is hidden', () => {
  it('waits rarely, and as before once the page is visible again', async () => {
    const gpu = new FakeGpu(40);
    gpu.isVisible = false;
    await gpu.train(32);
    expect(gpu.waits).toEqual([16, 16]);
    gpu.isVisible = true;
    await gpu.train(2);
    expect(gpu.waits).toEqual([16, 16, 1, 1]);
  });
});
