/**
 * The `lab.json` of a model trained on a rule world: prompt, scale, instruction, lexicon and pairs to try.
 */
import type { LabFile } from '../infer/lab-model.ts';
import { DEFAULT_SCALE } from '../relevance/labels.ts';
import type { LabDocument } from '../relevance/pair.ts';
import type { PromptConfig } from '../relevance/prompt.ts';
import type { RuleWorld, WorldPair } from '../relevance/rule-world.ts';

/** Writes down what a model of this world needs to be used without it. */
export function makeLabFile(world: RuleWorld, prompt: PromptConfig): LabFile {
  return {
    schemaVersion: 1,
    prompt,
    scale: { names: [...DEFAULT_SCALE.names], rubric: [...DEFAULT_SCALE.rubric] },
    instruction: world.instruction,
    tailRules: [...world.tailRules],
    lexicon: structuredClone(world.lexicon.data) as LabFile['lexicon'],
    examples: pickExamples(world),
  };
}

/** One held-out pair per label, then pairs that different criteria decide: enough to see what the model can do. */
function pickExamples(world: RuleWorld): LabFile['examples'] {
  const examples: LabFile['examples'] = [];
  const seen = new Set<string>();
  for (const pair of world.pairs('dev')) {
    const deciding = pair.goldTrace.steps[0];
    if (deciding === undefined || examples.length >= 8) continue;
    const key = `${deciding.criterion} ${deciding.verdict}`;
    if (seen.has(key) || seen.has(pair.queryId)) continue;
    seen.add(key).add(pair.queryId);
    examples.push({ name: key, pair: { query: pair.query, document: plainDocument(pair) } });
  }
  return examples;
}

function plainDocument({ document }: WorldPair): LabFile['examples'][number]['pair']['document'] {
  const attributes = Object.fromEntries(
    Object.entries(document.attributes).map(([name, value]): [string, string | number | boolean | string[]] => [
      name,
      isList(value) ? [...value] : value,
    ]),
  );
  return { ...document, attributes };
}

function isList(value: LabDocument['attributes'][string]): value is readonly string[] {
  return Array.isArray(value);
}
