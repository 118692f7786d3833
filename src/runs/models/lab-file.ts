/**
 * The `lab.json` of a model: prompt, scale, instruction, lexicon and example pairs. A model that learned from a file of
 * judged pairs has the instruction given with the file, or none, and no example pairs, because the pairs are private.
 */
import type { LabFile } from '../../infer/lab-model.ts';
import { DEFAULT_SCALE, type LabelScale, scaleOfSize } from '../../relevance/pair/labels.ts';
import type { Rules } from '../../relevance/rules/rules.ts';
import type { LabDocument } from '../../relevance/pair/pair.ts';
import type { PromptConfig } from '../../relevance/prompt/prompt.ts';
import type { Criterion, Verdict } from '../../relevance/pair/vocabulary.ts';
import type { RuleWorld, WorldPair } from '../../relevance/world/rule-world.ts';

/** Everything needed to use a model of this world without the world. */
export function makeLabFile(world: RuleWorld, prompt: PromptConfig): LabFile {
  return {
    schemaVersion: 1,
    prompt,
    scale: plainScale(DEFAULT_SCALE),
    otherScales: [],
    instruction: world.instruction,
    tailRules: [...world.tailRules],
    lexicon: structuredClone(world.lexicon.data) as LabFile['lexicon'],
    readsTitles: false,
    examples: pickExamples(world),
  };
}

/** The same for a model trained on a file of judged pairs. @param scale - with the names of its labels */
export function makeFileLabFile(
  { instruction, lexicon, tailRules, readsTitles }: Rules,
  prompt: PromptConfig,
  scale: LabelScale = scaleOfSize(prompt.scaleSize),
): LabFile {
  return {
    schemaVersion: 1,
    prompt,
    scale: plainScale(scale),
    otherScales: [],
    instruction: instruction.rules.length === 0 ? null : instruction,
    tailRules: [...tailRules],
    lexicon: structuredClone(lexicon.data) as LabFile['lexicon'],
    readsTitles,
    examples: [],
  };
}

/** The point that an example makes, by the criterion and the verdict of its deciding step. */
const EXAMPLE_NAMES: Readonly<Partial<Record<Criterion, Partial<Record<Verdict, string>>>>> = {
  type: { match: 'the right thing', mismatch: 'another thing', near: 'a substitute' },
  brand: { match: 'the right brand', mismatch: 'another brand', absent: 'brand not stated' },
  attribute: { match: 'as asked', mismatch: 'another colour', absent: 'not stated' },
  quantity: { match: 'the right size', mismatch: 'the wrong size', near: 'nearly the size' },
  negation: { match: 'without, as asked', violated: 'what was excluded' },
  accessory: { match: 'a fitting accessory', mismatch: 'only an accessory' },
  audience: { match: 'for the right people', mismatch: 'for others', absent: 'for whom?' },
  overall: { violated: 'used goods' },
};
const EXAMPLES = 8;

/** Example pairs with different deciding steps and different queries, the best label first. */
function pickExamples(world: RuleWorld): LabFile['examples'] {
  const found: { readonly label: number; readonly example: LabFile['examples'][number] }[] = [];
  const seen = new Set<string>();
  for (const pair of world.pairs('dev')) {
    const deciding = pair.goldTrace.steps[0];
    const name = deciding === undefined ? undefined : EXAMPLE_NAMES[deciding.criterion]?.[deciding.verdict];
    if (name === undefined || seen.has(name) || seen.has(pair.queryId)) continue;
    seen.add(name).add(pair.queryId);
    found.push({ label: pair.label, example: { name, pair: { query: pair.query, document: plainDocument(pair) } } });
    if (found.length === EXAMPLES) break;
  }
  return found.sort((a, b) => b.label - a.label).map(({ example }) => example);
}

/** A scale as it is written to files. */
export function plainScale({ names, rubric }: LabelScale): LabFile['scale'] {
  return { names: [...names], rubric: [...rubric] };
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
