import { describe, expect, it } from 'vitest';
import { Turns } from '../../../src/common/turns.ts';

describe('turns', () => {
  it('are taken in order, never two at once, whether the one before succeeds or not', async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const task =
      (name: string, fails = false) =>
      async (): Promise<string> => {
        seen.push(`${name} begins`);
        await Promise.resolve();
        seen.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      };
    const results = await Promise.allSettled([
      turns.take(task('a')),
      turns.take(task('b', true)),
      turns.take(task('c')),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[2]).toMatchObject({ value: 'c' });
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('have ended once the last task has', async () => {
    const turns = new Turns();
    let isDone = false;
    void turns.take(async () => {
      await Promise.resolve();
      isDone = true;
    });
    await turns.ended;
    expect(isDone).toBe(true);
  });
});
