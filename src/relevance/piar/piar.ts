/**
 * PIAR: refines an instruction by its errors, in rounds of four steps.
 *
 *     Predict    execute the instruction on the train pairs
 *     Identify   compare with the human labels
 *     Analyse    group the errors by gold label, predicted label and deciding rule
 *     Refine     a refiner proposes typed edits; an edit is kept if it helps on train and on dev
 *
 * Proposals see train only, dev decides, and test is read once, after the last round, so that it cannot influence the
 * rounds. The refiner is an interface: by default a deterministic search (piar-greedy.ts), or a language model at an
 * endpoint named by the user (piar-endpoint.ts). The name is the paper's; the loop is our definition.
 *
 * This room holds the loop, its measurements and its two refiners.
 */
import { LabError, messageOf, throwIfAborted } from '../../common/errors.ts';
import { pausesOf } from '../../common/yield.ts';
import { type FiringTable, readTable } from '../rules/firing-table.ts';
import { applyEdits, describeEdit, type Edit } from '../rules/instruction-edits.ts';
import { type Instruction, instructionHash } from '../rules/instruction.ts';
import type { Lexicon } from '../pair/lexicon.ts';
import type { JudgedPair } from '../pair/pair.ts';
import { countRight, type ErrorGroup, groupErrors, measureInstruction, type SplitMeasure } from './piar-measure.ts';
import { foldText } from '../pair/plain-folding.ts';

/** Judged pairs in three disjoint parts by query. */
export interface PiarData {
  readonly train: readonly JudgedPair[];
  readonly dev: readonly JudgedPair[];
  /** Called once, after the last round. */
  readonly test: () => readonly JudgedPair[];
  /** The words for conditions on brand, type, attributes and audience. */
  readonly lexicon: Lexicon;
}

/** Edits to be made together, and why. */
export interface Proposal {
  readonly edits: readonly Edit[];
  readonly rationale: string;
}

/** The input of a refiner: the train part and the fate of earlier proposals. */
export interface RefinerView {
  readonly round: number;
  readonly instruction: Instruction;
  readonly train: FiringTable;
  /** The largest first. */
  readonly errors: readonly ErrorGroup[];
  /** Proposals of earlier rounds that were not kept. */
  readonly rejected: readonly Proposal[];
  readonly signal: AbortSignal | undefined;
}

/** Proposes edits. An unusable answer is a {@link RefinerAnswer.unusable}, not an exception. */
export interface Refiner {
  readonly name: string;
  propose(view: RefinerView): Promise<RefinerAnswer>;
}

export interface RefinerAnswer {
  /** The most promising first. */
  readonly proposals: readonly Proposal[];
  /** Proposals that could not be read, with the reason. */
  readonly unusable?: readonly { readonly what: string; readonly reason: string }[];
}

export interface PiarOptions {
  /** The most rounds. Default 20. */
  readonly rounds?: number | undefined;
  /** Stops after this many consecutive rounds without an accepted edit. Default 2. */
  readonly patience?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onRound?: ((round: PiarRound) => void) | undefined;
}

/** The outcome of one proposal. */
export interface ProposalOutcome {
  readonly edits: readonly Edit[];
  /** The edits as sentences. */
  readonly described: readonly string[];
  readonly rationale: string;
  readonly accepted: boolean;
  /** A short reason with the numbers. */
  readonly reason: string;
}

/** One round. The measures are of the instruction at its start. */
export interface PiarRound {
  readonly round: number;
  readonly rules: number;
  readonly train: SplitMeasure;
  readonly dev: SplitMeasure;
  readonly errors: readonly Omit<ErrorGroup, 'members'>[];
  readonly proposals: readonly ProposalOutcome[];
}

/** A finished run. Equal data, start and refiner give an equal history. */
export interface PiarHistory {
  readonly refiner: string;
  readonly rounds: readonly PiarRound[];
  readonly stopped: 'no more improvement' | 'all rounds done';
  readonly first: { readonly instruction: Instruction; readonly hash: string };
  readonly last: { readonly instruction: Instruction; readonly hash: string };
  /** Both instructions on the held-out part. */
  readonly test: { readonly first: SplitMeasure; readonly last: SplitMeasure };
  /** The last instruction on the parts used for refinement. */
  readonly train: SplitMeasure;
  readonly dev: SplitMeasure;
}

const DEFAULT_ROUNDS = 20;
const DEFAULT_PATIENCE = 2;

/**
 * Refines an instruction.
 *
 * @throws {LabError} `bad-config` if a part is empty or two share a query; `aborted` on request; the errors of the
 *   refiner
 */
export async function runPiar(
  data: PiarData,
  start: Instruction,
  refiner: Refiner,
  { rounds: most = DEFAULT_ROUNDS, patience = DEFAULT_PATIENCE, signal, onRound }: PiarOptions = {},
): Promise<PiarHistory> {
  requireDisjoint({ train: data.train, dev: data.dev });
  const pause = pausesOf(signal);
  const train = await readTable(data.lexicon, data.train, pause);
  const dev = await readTable(data.lexicon, data.dev, pause);
  const rounds: PiarRound[] = [];
  const rejected: Proposal[] = [];
  let instruction = start;
  let idle = 0;
  while (rounds.length < most && idle < patience) {
    throwIfAborted(signal);
    const before = measureInstruction(instruction, train);
    const errors = groupErrors(instruction, train);
    const view = { round: rounds.length, instruction, train, errors, rejected: [...rejected], signal };
    const answer = await refiner.propose(view);
    const kept = tryProposals(instruction, answer, train, dev);
    const round: PiarRound = {
      round: rounds.length,
      rules: instruction.rules.length,
      train: before,
      dev: measureInstruction(instruction, dev),
      errors: errors.map(({ members: _members, ...group }) => group),
      proposals: kept.outcomes,
    };
    rounds.push(round);
    rejected.push(...kept.outcomes.filter(({ accepted, edits }) => !accepted && edits.length > 0));
    idle = kept.instruction === instruction ? idle + 1 : 0;
    instruction = kept.instruction;
    onRound?.(round);
  }

  const testPairs = data.test();
  requireDisjoint({ train: data.train, dev: data.dev, test: testPairs });
  const test = await readTable(data.lexicon, testPairs, pause);
  return {
    refiner: refiner.name,
    rounds,
    stopped: idle >= patience ? 'no more improvement' : 'all rounds done',
    first: { instruction: start, hash: instructionHash(start) },
    last: { instruction, hash: instructionHash(instruction) },
    test: { first: measureInstruction(start, test), last: measureInstruction(instruction, test) },
    train: measureInstruction(instruction, train),
    dev: measureInstruction(instruction, dev),
  };
}

/** Tries proposals in turn, each on the instruction left by the accepted ones before it. */
function tryProposals(
  start: Instruction,
  { proposals, unusable = [] }: RefinerAnswer,
  train: FiringTable,
  dev: FiringTable,
): { readonly instruction: Instruction; readonly outcomes: readonly ProposalOutcome[] } {
  const outcomes: ProposalOutcome[] = unusable.map(({ what, reason }) => ({
    edits: [],
    described: [what],
    rationale: '',
    accepted: false,
    reason: `not usable: ${reason}`,
  }));
  let instruction = start;
  for (const { edits, rationale } of proposals) {
    const candidate = edited(instruction, edits);
    const verdict = typeof candidate === 'string' ? refused(candidate) : judge(instruction, candidate, train, dev);
    if (verdict.accepted && typeof candidate !== 'string') instruction = candidate;
    outcomes.push({ edits, described: edits.map(describeEdit), rationale, ...verdict });
  }
  return { instruction, outcomes };
}

type Judgement = Pick<ProposalOutcome, 'accepted' | 'reason'>;

function judge(current: Instruction, candidate: Instruction, train: FiringTable, dev: FiringTable): Judgement {
  for (const [name, table] of Object.entries({ train, dev })) {
    const from = countRight(current, table) / table.size;
    const to = countRight(candidate, table) / table.size;
    const figures = `${name} accuracy ${from.toFixed(4)} -> ${to.toFixed(4)}`;
    if (to <= from) return refused(`${name} does not improve: ${figures}`);
    if (table === dev) return { accepted: true, reason: figures };
  }
  return refused('nothing to judge by');
}

function refused(reason: string): Judgement {
  return { accepted: false, reason };
}

/** The instruction after the edits, or the reason why they cannot be made. */
function edited(instruction: Instruction, edits: readonly Edit[]): Instruction | string {
  try {
    return applyEdits(instruction, edits);
  } catch (error) {
    if (error instanceof LabError && error.code === 'bad-instruction') return `not valid: ${messageOf(error)}`;
    throw error;
  }
}

function requireDisjoint(parts: Readonly<Record<string, readonly JudgedPair[]>>): void {
  const seen = new Map<string, string>();
  for (const [part, pairs] of Object.entries(parts)) {
    if (pairs.length === 0) {
      throw new LabError('bad-config', { message: `PIAR: the ${part} part has no pairs.`, expected: 'at least one' });
    }
    for (const query of new Set(pairs.map((pair) => foldText(pair.query)))) {
      const other = seen.get(query);
      if (other !== undefined) {
        throw new LabError('bad-config', {
          message: `PIAR: the query "${query}" is in the ${other} part and in the ${part} part.`,
          expected: 'disjoint queries in the parts',
          fix: 'Split by query.',
        });
      }
      seen.set(query, part);
    }
  }
}
