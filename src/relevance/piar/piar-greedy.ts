/**
 * The default refiner: a deterministic, greedy search for the single edit that corrects most train pairs. It needs no
 * network and no model. For every condition drawn from the data (piar-candidates.ts) it counts what a rule with that
 * condition would change at every position within its criterion and with every cap. It also tries to remove, move,
 * recap and extend the existing rules.
 *
 * Gains are also counted by query, because pairs of one query are alike: an edit must help more queries than it harms.
 */
import { hashHex } from '../../common/rng.ts';
import { pausesOf } from '../../common/yield.ts';
import { conditionSentence } from '../rules/condition-sentence.ts';
import { type FiringTable, NO_LABEL, predict, winners } from '../rules/firing-table.ts';
import { type Edit, applyEdits } from '../rules/instruction-edits.ts';
import { canonicalJson, type Condition, type Instruction, type Rule } from '../rules/instruction.ts';
import { type Candidate, candidatesOf } from './piar-candidates.ts';
import { countRight } from './piar-measure.ts';
import type { Proposal, Refiner, RefinerView } from './piar.ts';
import { type Criterion, CRITERIA, MAX_RULES } from '../pair/vocabulary.ts';

export interface GreedyOptions {
  /** The most proposals per round. Default 8. */
  readonly proposals?: number;
  /** The least excess of helped over harmed queries. Default 3. */
  readonly leastQueries?: number;
  /** The conditions that rules may have. Default every one drawn from the data. */
  readonly isAllowed?: (when: Condition) => boolean;
}

/** An edit and its effect on train. */
interface Option {
  readonly edit: Edit;
  /** Equal for options that differ in position only. */
  readonly key: string;
  /** The change in the number of correct pairs. */
  readonly gain: number;
}

/** Awaited at each step of a long loop. */
type Pause = () => Promise<void>;

/** Only the best additions are examined query by query. */
const SHORTLIST = 80;
/** Leaves room below the limit, so that people can still add rules. */
const RULE_LIMIT = MAX_RULES - 8;

/** A refiner that searches for the best single edits. */
export function greedyRefiner({ proposals = 8, leastQueries = 3, isAllowed }: GreedyOptions = {}): Refiner {
  const pools = new WeakMap<FiringTable, Candidate[]>();
  return {
    name: 'greedy search',
    async propose(view) {
      const pause = pausesOf(view.signal);
      let pool = pools.get(view.train);
      if (pool === undefined) {
        pool = (await candidatesOf(view.train, pause)).filter(({ when }) => isAllowed?.(when) !== false);
        pools.set(view.train, pool);
      }
      const refused = new Set(view.rejected.flatMap(({ edits }) => edits.map(keyOf)));
      const options = [...(await additions(view, pool, pause)), ...(await revisions(view, pool, pause))]
        .filter(({ key }) => !refused.has(key))
        .toSorted(
          (a, b) =>
            b.gain - a.gain || contrarinessOf(a.edit, view.instruction) - contrarinessOf(b.edit, view.instruction),
        )
        .slice(0, SHORTLIST);
      return { proposals: await choose(options, view, proposals, leastQueries, pause) };
    },
  };
}

/** The best options that help enough queries, one for each effect. */
async function choose(
  options: readonly Option[],
  view: RefinerView,
  most: number,
  leastQueries: number,
  pause: Pause,
): Promise<Proposal[]> {
  const { instruction, train } = view;
  const before = predict(instruction, train);
  const chosen: Proposal[] = [];
  const seen = new Set<string>();
  for (const { edit, gain } of options) {
    if (chosen.length >= most) break;
    await pause();
    const after = predict(applyEdits(instruction, [edit]), train);
    // The same rule under two criteria often has the same effect; one of them is enough.
    const effect = after.join();
    const { helped, harmed } = queryBalance(before, after, train);
    if (seen.has(effect) || helped - harmed < leastQueries) continue;
    seen.add(effect);
    const rationale = `${gain} more train pairs right; helps ${helped} queries and harms ${harmed}`;
    chosen.push({ edits: [edit], rationale });
  }
  return chosen;
}

/** The best rule to add on each condition and criterion. */
async function additions(
  { instruction, train, round }: RefinerView,
  pool: readonly Candidate[],
  pause: Pause,
): Promise<Option[]> {
  if (instruction.rules.length >= RULE_LIMIT) return [];
  const options: Option[] = [];
  const places = new Map(CRITERIA.map((criterion) => [criterion, slotsOf(instruction, criterion, train)]));
  for (const candidate of pool) {
    await pause();
    for (const criterion of candidate.criteria) {
      const slots = places.get(criterion);
      if (slots === undefined) continue;
      const best = bestAddition(candidate.fired, slots, instruction.scaleSize, train);
      if (best === undefined) continue;
      const rule = ruleOf(candidate, criterion, best.cap, instruction, round);
      const next = slots.rules[best.slot];
      const edit: Edit = next === undefined ? { kind: 'add', rule } : { kind: 'add', rule, before: next };
      options.push({ edit, key: keyOf(edit), gain: best.gain });
    }
  }
  return options;
}

/** The positions within one criterion, and for each pair the winning position and the verdict of the other criteria. */
interface Slots {
  /** Ids of the criterion's rules in order. */
  readonly rules: readonly string[];
  /** The position of the winning rule [N]; the number of rules where none fires. */
  readonly winner: Int16Array;
  /** The lowest cap of the other criteria [N]; R where none of their rules fires. */
  readonly others: Int8Array;
  /** Whether the current label is right [N]. */
  readonly isRight: Uint8Array;
}

function slotsOf(instruction: Instruction, criterion: Criterion, train: FiringTable): Slots {
  const places = instruction.rules.flatMap((rule, index) => (rule.criterion === criterion ? [index] : []));
  const winning = winners(instruction, criterion, train);
  const labels = predict(instruction, train);
  const othersOnly = { ...instruction, rules: instruction.rules.filter((rule) => rule.criterion !== criterion) };
  return {
    rules: places.map((index) => instruction.rules[index]?.id ?? ''),
    winner: Int16Array.from(winning, (rule) => (rule === -1 ? places.length : places.indexOf(rule))),
    others: predict(othersOnly, train).map((label) => (label === NO_LABEL ? instruction.scaleSize : label)),
    isRight: Uint8Array.from(labels, (label, i) => (label === train.gold[i] ? 1 : 0)),
  };
}

interface Addition {
  readonly slot: number;
  readonly cap: number;
  readonly gain: number;
}

// A rule at position s wins on the pairs where it fires and the current winner is at s or later. So gains are first
// counted by the position of the current winner, then summed from the last position up.
function bestAddition(fired: Uint8Array, slots: Slots, scaleSize: number, train: FiringTable): Addition | undefined {
  const gains = new Int32Array((slots.rules.length + 1) * scaleSize);
  for (let i = 0; i < fired.length; i++) {
    if (fired[i] !== 1) continue;
    const gold = train.gold[i] ?? 0;
    const others = slots.others[i] ?? scaleSize;
    const wasRight = slots.isRight[i] ?? 0;
    const row = (slots.winner[i] ?? 0) * scaleSize;
    for (let cap = 0; cap < scaleSize; cap++) {
      gains[row + cap] = (gains[row + cap] ?? 0) + (Math.min(others, cap) === gold ? 1 : 0) - wasRight;
    }
  }
  let best: Addition | undefined;
  for (let slot = slots.rules.length; slot >= 0; slot--) {
    for (let cap = 0; cap < scaleSize; cap++) {
      const at = slot * scaleSize + cap;
      const gain = (gains[at] ?? 0) + (slot === slots.rules.length ? 0 : (gains[at + scaleSize] ?? 0));
      gains[at] = gain;
      if (gain > (best?.gain ?? 0)) best = { slot, cap, gain };
    }
  }
  return best;
}

/** Edits of existing rules that correct more train pairs. */
async function revisions(
  { instruction, train }: RefinerView,
  pool: readonly Candidate[],
  pause: Pause,
): Promise<Option[]> {
  const right = countRight(instruction, train);
  const words = pool.flatMap(({ when }) => (when.kind === 'unasked-word' ? when.words : []));
  const options: Option[] = [];
  for (const edit of instruction.rules.flatMap((rule) => [...revisionsOf(rule, instruction, words)])) {
    if (edit.kind === 'remove' && instruction.rules.length === 1) continue;
    await pause();
    const gain = countRight(applyEdits(instruction, [edit]), train) - right;
    if (gain > 0) options.push({ edit, key: keyOf(edit), gain });
  }
  return options;
}

function* revisionsOf(rule: Rule, instruction: Instruction, words: readonly string[]): Generator<Edit> {
  const { id } = rule;
  yield { kind: 'remove', id };
  for (let cap = 0; cap < instruction.scaleSize; cap++) {
    if (cap !== rule.cap) yield { kind: 'change', id, to: { cap } };
  }
  // Only the order within a criterion matters.
  const peers = instruction.rules.filter(({ criterion }) => criterion === rule.criterion);
  const at = peers.indexOf(rule);
  const [first, above, below] = [peers[0], peers[at - 1], peers[at + 2]];
  if (above !== undefined) yield { kind: 'move', id, before: above.id };
  if (first !== undefined && at > 1) yield { kind: 'move', id, before: first.id };
  if (below !== undefined) yield { kind: 'move', id, before: below.id };
  if (at < peers.length - 1) yield { kind: 'move', id };
  const { when } = rule;
  if (when.kind !== 'unasked-word') return;
  for (const word of words) {
    if (when.words.includes(word)) continue;
    const longer = { ...when, words: [...when.words, word] };
    yield { kind: 'change', id, to: { when: longer, text: conditionSentence(longer, rule.scope) } };
  }
}

function ruleOf(
  { when, scope }: Candidate,
  criterion: Criterion,
  cap: number,
  instruction: Instruction,
  round: number,
): Rule {
  const place = 'field' in when ? `-${when.field}` : '';
  const stem = `${when.kind}${place}-r${round}`;
  const taken = new Set(instruction.rules.map((rule) => rule.id));
  // Several proposals of a round may be kept, so the id includes a hash of the condition.
  let id = `${stem}-${hashHex(canonicalJson({ when, scope, criterion, cap })).slice(0, 6)}`;
  while (taken.has(id)) id = `${id}x`;
  const rule = { id, criterion, when, cap, text: conditionSentence(when, scope) };
  return scope === undefined ? rule : { ...rule, scope };
}

// Breaks ties between edits of equal effect: a large overlap should argue for a high label, a small one for a low
// label.
function contrarinessOf(edit: Edit, { scaleSize }: Instruction): number {
  if (edit.kind !== 'add' || edit.rule.when.kind !== 'overlap') return 0;
  const isHigh = edit.rule.cap >= scaleSize / 2;
  return (edit.rule.when.is === 'at-least') === isHigh ? 0 : 1;
}

/** The identity of an edit without its position, so that a rule refused by dev is not proposed again one line lower. */
function keyOf(edit: Edit): string {
  switch (edit.kind) {
    case 'add': {
      const { when, scope, criterion, cap } = edit.rule;
      return canonicalJson(['add', { when, scope, criterion, cap }]);
    }
    case 'remove':
    case 'move':
    case 'change':
      return canonicalJson(edit);
    default:
      return edit satisfies never;
  }
}

/** The numbers of queries with more and with fewer correct pairs after an edit. */
function queryBalance(before: Int8Array, after: Int8Array, train: FiringTable): { helped: number; harmed: number } {
  const change = new Int32Array(train.queryCount);
  for (let i = 0; i < before.length; i++) {
    const query = train.queryOf[i] ?? 0;
    const gold = train.gold[i];
    change[query] = (change[query] ?? 0) + (after[i] === gold ? 1 : 0) - (before[i] === gold ? 1 : 0);
  }
  let helped = 0;
  let harmed = 0;
  for (const sum of change) {
    if (sum > 0) helped++;
    if (sum < 0) harmed++;
  }
  return { helped, harmed };
}
