/** Output while a command runs. */
import { describe, expect, it } from 'vitest';
import { note, print, Progress, withStreams } from '../../../src/cli/terminal.ts';

/** The output of some work, on one screen. */
async function screenOf(work: () => void, isTTY: boolean): Promise<string> {
  let screen = '';
  const stream = { isTTY, write: (text: string) => (screen += text) };
  await withStreams({ out: stream, err: stream }, () => Promise.resolve(work()));
  return screen;
}

describe('print and note', () => {
  it('print no control character of a file to the terminal, and keep the meaning of JSON', async () => {
    const title = 'a\u001b[2Jb\u009bc\rd\te';
    const screen = await screenOf(() => {
      note(`Row 1: ${title}`);
      print(JSON.stringify({ title }));
    }, true);
    const [said, json] = screen.split('\n');
    expect(said).toBe('Row 1: a\\u001b[2Jb\\u009bc\\u000dd\te');
    expect(json).not.toContain('\u009b');
    expect(JSON.parse(json ?? '')).toEqual({ title });
  });
});

describe('Progress', () => {
  it('shows the remaining time only once it can be estimated', async () => {
    let nowMs = 0;
    const lines = await screenOf(() => {
      const progress = new Progress('Steps', () => nowMs);
      for (let step = 1; step <= 40; step++) {
        nowMs += 1000;
        progress.update(step, 40);
      }
    }, true);
    const shown = lines.split('\r\u001b[K').slice(1);
    expect(shown.map((line) => line.includes('left'))).toEqual(shown.map((_, i) => i >= 5));
    expect(shown[10]).toBe('Steps: 11/40, 29 s left');
  });

  it("estimates from this process's own work, not from earlier work", async () => {
    let nowMs = 0;
    const lines = await screenOf(() => {
      const progress = new Progress('Steps', () => nowMs);
      for (let step = 901; step <= 950; step++) {
        progress.update(step, 1000);
        nowMs += 10_000;
      }
    }, false);
    expect(lines).toMatch(/Steps: 950\/1,000, 9 min left\n$/u);
  });

  it('never has a result or a note in the middle of its line', async () => {
    const screen = await screenOf(() => {
      const progress = new Progress('Steps', () => 0);
      progress.update(1, 2);
      note('a note');
      progress.update(2, 2);
      print('a result');
      progress.end();
    }, true);
    expect(screen).toBe('\r\u001b[KSteps: 1/2\na note\n\r\u001b[KSteps: 2/2\na result\n');
  });
});
