import { beforeAll, describe, it } from 'vitest';
import { useBackend } from '../../reference/backends.ts';
import { judgeIndependence, judgeLastPosition } from '../../reference/judge-generation.ts';
import { randomModel } from '../../reference/judge-model.ts';

describe.each(['cpu', 'wasm'] as const)('completions on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('are the same bits whatever stands beside them in their batch', async () => {
    using judged = randomModel('odd');
    await judgeIndependence(judged, { temperature: 1, seed: 7 }, 12);
  });

  it('end at the last position of the model, where that comes first, and leave nothing behind', judgeLastPosition);
});
