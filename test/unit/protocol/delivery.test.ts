import { describe, expect, it } from 'vitest';
import { untilDelivered } from '../../../src/protocol/delivery.ts';

describe('untilDelivered', () => {
  it('resolves after the last event was received, however long that takes', async () => {
    const taken: string[] = [];
    let takeIn: () => void = () => undefined;
    const send = (event: string): Promise<void> =>
      new Promise((resolve) => {
        takeIn = () => {
          taken.push(event);
          resolve();
        };
      });
    let isOver = false;
    const call = untilDelivered(send, async (emit) => {
      emit('finished');
      await Promise.resolve();
    }).then(() => (isOver = true));
    await new Promise((resolve) => setTimeout(resolve));
    expect(isOver).toBe(false);
    takeIn();
    await call;
    expect(taken).toEqual(['finished']);
  });

  it('waits for nothing where no event crosses threads', async () => {
    const taken: number[] = [];
    await untilDelivered(
      (event: number) => taken.push(event),
      (emit) => {
        emit(1);
        emit(2);
        return Promise.resolve();
      },
    );
    expect(taken).toEqual([1, 2]);
  });

  it('throws errors of the work, and none of a listener', async () => {
    const failing = (): Promise<void> => Promise.reject(new Error('listener'));
    await untilDelivered(failing, (emit) => Promise.resolve(emit('x')));
    await expect(untilDelivered(failing, () => Promise.reject(new Error('work')))).rejects.toThrow('work');
  });
});
