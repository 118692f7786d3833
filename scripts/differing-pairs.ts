/**
 * `npx tsx scripts/differing-pairs.ts`: asks all bundled models about held-out pairs of the rule world and keeps those
 * that tell two of them apart in public/models/differing-pairs.json, as the examples of a comparison. A pair is kept
 * for two models if their labels differ and one of them is right; of those the ones that both are surest of.
 */
import { writeFile } from 'node:fs/promises';
import { readModelFolder } from '../src/cli/model-folder.ts';
import { openNodeBackend } from '../src/cli/node-backend.ts';
import { asStream } from '../src/common/as-stream.ts';
import { scoreStream } from '../src/infer/score-pairs.ts';
import { makeRuleWorld } from '../src/relevance/world/rule-world.ts';
import { BUNDLED_MODELS } from '../src/ui/score/bundled-models.ts';

const ASKED = 360;
const OF_TWO = 2;

await openNodeBackend('wasm');
const pairs = [...makeRuleWorld({}).pairs('test')].slice(0, ASKED);
const labels = new Map<string, { readonly label: number; readonly sure: number }[]>();
for (const { id, folder } of BUNDLED_MODELS) {
  const model = await readModelFolder(`public/${folder}`);
  const answers: { label: number; sure: number }[] = [];
  for await (const { score } of scoreStream(model, asStream(pairs.map((pair) => ({ pair }))))) {
    answers.push({ label: score.label, sure: score.probabilities[score.label] ?? 0 });
  }
  labels.set(id, answers);
}

const ids = BUNDLED_MODELS.map(({ id }) => id);
const kept = new Set<number>();
for (const [a, id] of ids.entries()) {
  for (const other of ids.slice(a + 1)) {
    const [own, others] = [labels.get(id) ?? [], labels.get(other) ?? []];
    const apart = pairs.flatMap(({ label }, i) => {
      const [x, y] = [own[i], others[i]];
      if (x === undefined || y === undefined || x.label === y.label || (x.label !== label && y.label !== label))
        return [];
      return [{ i, sure: Math.min(x.sure, y.sure) }];
    });
    for (const { i } of apart.toSorted((x, y) => y.sure - x.sure).slice(0, OF_TWO)) kept.add(i);
  }
}
const file = [...kept].map((i) => {
  const asked = pairs[i];
  const pair = asked === undefined ? undefined : { query: asked.query, document: asked.document };
  return { pair, labels: Object.fromEntries(ids.map((id) => [id, labels.get(id)?.[i]?.label ?? 0])) };
});
await writeFile('public/models/differing-pairs.json', `${JSON.stringify(file)}\n`);
console.log(`${file.length} pairs of ${ASKED} tell some of ${ids.length} models apart.`);
