/** A study of two arms and two seeds that takes seconds, as `lab experiment` makes it: claims, checkpoints, results. */
import { join } from 'node:path';
import process from 'node:process';
import { resultOf } from '../../../src/cli/studies/experiment-runs.ts';
import { runStudy } from '../../../src/cli/studies/study.ts';
import type { Arm } from '../../../src/studies/recipes.ts';
import { startModel } from '../../../src/cli/runs/start-model.ts';
import type { SeedResult } from '../../../src/protocol/experiment-results.ts';

const folder = process.argv[2] ?? '.';

const arm = (name: string, lambda: number): Arm => ({
  name,
  run: {
    kind: 'grpo',
    settings: {
      data: { kind: 'world', trainQueries: 12, devQueries: 4, testQueries: 4 },
      queries: 4,
      probePrompts: 2,
      probeSamples: 2,
      devPairs: 2,
      grpo: {
        steps: 2,
        prompts: 2,
        samples: 2,
        maxTokens: 4,
        expertBatch: 2,
        evaluateEvery: 2,
        checkpointEvery: 1,
        balance: { kind: 'additive', lambda },
      },
    },
  },
});

const path = await runStudy<SeedResult>({ out: folder, backend: 'wasm' }, (session) => ({
  arms: [arm('a', 0), arm('b', 0.3)].map((one) => ({
    name: one.name,
    runs: [1, 2].map(
      (seed) => () =>
        resultOf(one, seed, {
          ...session,
          root: join(folder, 'out'),
          testPairs: 4,
          startFolder: (of) => startModel(join(folder, 'out', 'starts'), of, session.signal, session.device),
          teacherFolder: join(folder, 'start'),
        }),
    ),
  })),
  results: (arms) => ({
    id: 'E1',
    title: 'Tiny',
    question: 'Is it the same?',
    device: session.device,
    commit: session.commit,
    config: {},
    arms: arms.map(({ name, outcomes }) => ({ name, seeds: outcomes })),
    findings: [],
    verdict: '',
  }),
}));
process.exitCode = path === undefined ? 3 : 0;
