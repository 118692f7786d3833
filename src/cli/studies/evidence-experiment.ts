/**
 * `lab experiment E10`: asks the models that come with the lab about pairs without the words they cite, and writes
 * `E10.json` and its page.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseConfig } from '../../config/parse.ts';
import { type AskedModel, e10Markdown, e10Results, E10ResultsSchema } from '../../studies/e10-evidence.ts';
import { heldOutPairs } from '../../runs/grpo-task.ts';
import { disposeLabModel } from '../../infer/lab-model.ts';
import { makeRuleWorld } from '../../relevance/world/rule-world.ts';
import { answerDeletions } from '../../train/faithfulness.ts';
import { currentCommit } from '../current-commit.ts';
import { readModelFolder, writeWhole } from '../model-folder.ts';
import { type BackendName, openNodeBackend } from '../node-backend.ts';
import { note } from '../terminal.ts';

/** Models that give reasons by the rules of the bundled world. */
const MODELS = ['default', 'lab-nano-start', 'lab-nano-collapsed', 'lab-nano-balanced'].map(
  (name) => `public/models/${name}`,
);
const PAIRS = 600;
const SPLIT = 'test';

/** @returns the path of the results */
export async function runEvidenceExperiment({
  out,
  backend,
}: {
  readonly out: string;
  readonly backend: BackendName;
}): Promise<string> {
  const opened = await openNodeBackend(backend);
  const pairs = heldOutPairs(makeRuleWorld({ seed: 1 }), SPLIT, PAIRS);
  const asked: AskedModel[] = [];
  for (const folder of MODELS) {
    const model = await readModelFolder(folder);
    asked.push({ name: model.card.name, folder, answers: await answerDeletions(model, pairs) });
    disposeLabModel(model);
    note(`${model.card.name}: asked.`);
  }
  const queries = new Set(pairs.map(({ pair }) => pair.queryId)).size;
  const results = e10Results(asked, {
    device: `${opened.backend}, ${opened.device}`,
    commit: currentCommit(),
    config: { split: SPLIT, pairs: pairs.length, queries },
  });
  const checked = parseConfig('The results', E10ResultsSchema, results);
  await mkdir(out, { recursive: true });
  await writeWhole(join(out, 'E10.md'), `${e10Markdown(checked)}\n`);
  const path = join(out, 'E10.json');
  await writeWhole(path, `${JSON.stringify(checked, null, 1)}\n`);
  note(checked.verdict);
  return path;
}
