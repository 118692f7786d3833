/**
 * A step of reasoning as one sentence for people: what the rule says, and the words that it rests on.
 *
 *     The size is the asked one, in whatever unit: "1500 ml".
 */
import type { TraceStep } from '../trace/trace.ts';

/**
 * The sentence of a step. Words that come from both sides alike are quoted once; where the sides differ, each is named.
 *
 * @param ruleText - the cited rule as people read it
 */
export function spokenStep(ruleText: string, { evidence }: Pick<TraceStep, 'evidence'>): string {
  const rule = ruleText.trim().replace(/[.!]$/u, '');
  const quoted = [...new Set(evidence.map(({ text }) => `"${text}"`))];
  if (quoted.length === 0) return `${rule}.`;
  const isOneSided = new Set(evidence.map(({ source }) => source)).size === 1;
  if (quoted.length === 1 || isOneSided) return `${rule}: ${quoted.join(', ')}.`;
  const sides = (['query', 'document'] as const).map((source) => {
    const texts = new Set(evidence.filter((each) => each.source === source).map(({ text }) => `"${text}"`));
    return `${[...texts].join(', ')} in the ${source}`;
  });
  return `${rule}: ${sides.join(', ')}.`;
}
