/**
 * `lab experiment E10`: asks the bundled models about pairs without the words they cite, freely and held to their pair.
 */
import { type AskedModel, AskedModelSchema, e10Results } from '../../studies/e10-evidence.ts';
import { heldOutPairs } from '../../runs/grpo-task.ts';
import { disposeLabModel, loadLabModel } from '../../infer/lab-model.ts';
import { makeRuleWorld } from '../../relevance/world/rule-world.ts';
import { answerDeletions } from '../../train/faithfulness.ts';
import { readModelFiles } from '../model-folder.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { hashOfFiles, studyRunFolder } from '../runs/run-folder.ts';
import { note } from '../terminal.ts';
import { runStudy, type StudySession } from './study.ts';

/** Models that give reasons by the rules of the bundled world. */
const MODELS = ['default', 'lab-nano-start', 'lab-nano-collapsed', 'lab-nano-balanced'].map(
  (name) => `public/models/${name}`,
);
/** What their answers are held to. */
const DECODED = ['free', 'grounded'] as const;
const PAIRS = 600;
const SPLIT = 'test';
const WORLD = { seed: 1 };

/** @returns the path of the results without `.json`; undefined if other processes work on some models */
export function runEvidenceExperiment(options: {
  readonly out: string;
  readonly runs: string;
  readonly backend: BackendChoice;
}): Promise<string | undefined> {
  return runStudy<AskedModel>(options, (session) => ({
    arms: DECODED.flatMap((decoding) =>
      MODELS.map((folder) => ({
        name: `${folder}, ${decoding}`,
        runs: [() => askOnce(folder, decoding, options.runs, session)],
      })),
    ),
    results: (arms) => {
      const pairs = heldOutPairs(makeRuleWorld(WORLD), SPLIT, PAIRS);
      const queries = new Set(pairs.map(({ pair }) => pair.queryId)).size;
      return e10Results(
        arms.flatMap(({ outcomes }) => outcomes),
        { device: session.device, commit: session.commit, config: { split: SPLIT, pairs: pairs.length, queries } },
      );
    },
  }));
}

async function askOnce(
  folder: string,
  decoding: AskedModel['decoding'],
  runs: string,
  session: StudySession,
): Promise<AskedModel | undefined> {
  const files = await readModelFiles(folder);
  const run = studyRunFolder(runs, 'evidence', [hashOfFiles(files.values()), WORLD, SPLIT, PAIRS, decoding]);
  return run.once(AskedModelSchema, session, async () => {
    const model = await loadLabModel(files);
    try {
      const pairs = heldOutPairs(makeRuleWorld(WORLD), SPLIT, PAIRS);
      const { completions, usable, cited, control } = await answerDeletions(model, pairs, { ...session, decoding });
      note(`${model.card.name}, ${decoding}: asked.`);
      const answers = { completions, usable, cited: [...cited], control: [...control] };
      return { name: model.card.name, folder, decoding, answers };
    } finally {
      disposeLabModel(model);
    }
  });
}
