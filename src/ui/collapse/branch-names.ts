/**
 * Branches in plain words. Their names are those of the experiments' arms, such as "GRPO (head-heavy, plausible)"; a
 * reader meets "Reward only" first and finds the arm beneath it.
 */

/** An arm with its prompts and reward, and what a fork has added. */
const ARM = /^(.+?) \((head-heavy|matched), (plausible|full|lenient)\)(?: from (\d+)(?:, coefficient ([\d.]+))?)?$/u;
/** Methods by the beginnings of their names. */
const PLAIN: readonly (readonly [start: string, name: string])[] = [
  ['GRPO + ', 'Reward + leash'],
  ['GRPO', 'Reward only'],
  ['MBO', 'Reward + examples'],
  ['SFT continued', 'Examples only'],
];

/** A method in plain words with the field's name in brackets: "Reward only (GRPO)". */
export function namedInWords(method: string): string {
  const plain = PLAIN.find(([start]) => method.startsWith(start))?.[1];
  return plain === undefined ? method : `${plain} (${method})`;
}

/**
 * A name in plain words.
 *
 * @param arm - as the worker has it; one that is no arm of an experiment stays as it is
 * @param taken - the names of the branches before it, which it does not repeat
 */
export function plainName(arm: string, taken: readonly string[] = []): string {
  const [, method = '', prompts, reward, step, coefficient] = ARM.exec(arm) ?? [];
  if (method === '') return arm;
  const isControl = method === 'GRPO' && prompts === 'matched' && reward === 'full';
  const plain = isControl ? 'Fair control' : (PLAIN.find(([start]) => method.startsWith(start))?.[1] ?? method);
  const since = step === undefined ? '' : `, from step ${step}`;
  const change = coefficient === undefined ? '' : `, \u03bb ${coefficient}`;
  const name = `${plain}${since}${change}`;
  if (!taken.includes(name)) return name;
  const full = `${plain} (${method})${since}${change}`;
  return taken.includes(full) ? `${full}, ${taken.length + 1}` : full;
}
