/** What scores the open file is loaded once, however many ask for it at the same time. */
import { expect, it } from 'vitest';
import type { FileScoring } from '../../../../src/protocol/files.ts';
import { AskedScorer } from '../../../../src/ui/files/thread/asked-scorer.ts';
import type { FilesClient } from '../../../../src/ui/files/thread/files-client.ts';

const SCORING = {
  choice: { kind: 'bundled', name: 'general' },
  modelHash: 'h',
  backend: 'wasm',
} as unknown as FileScoring;

it('shares a preparation, which a second one would end', async () => {
  let prepared: FileScoring | undefined;
  let preparations = 0;
  const scorer = new AskedScorer({
    state: () => ({ prepared, failure: undefined }),
    prepare: async () => {
      const mine = ++preparations;
      await Promise.resolve();
      if (mine !== preparations) return false; // superseded
      prepared = SCORING;
      return true;
    },
    ask: (ask) => ask({} as FilesClient),
  });
  const asked = Promise.all([scorer.isPrepared(SCORING), scorer.ask(SCORING, () => Promise.resolve('reasons'))]);
  expect(await asked).toEqual([true, 'reasons']);
  expect(preparations).toBe(1);
  prepared = undefined; // the model went with its thread
  expect(await scorer.isPrepared(SCORING)).toBe(true);
  expect(preparations).toBe(2);
});
