/**
 * Completions: one prefill, then one token per step with a key-value cache (decoding.ts).
 *
 * Prompts of different lengths are decoded together, each at its own positions, so that a row does not depend
 * on its neighbours; several completions of one prompt share its prefill; rows that have ended leave the batch.
 */
import { largest } from '../common/largest.ts';
import { throwIfAborted } from '../common/errors.ts';
import type { Transformer } from '../model/transformer.ts';
import { Decoding } from './decoding.ts';
import type { CompletionAutomaton } from './held/completion-automaton.ts';
import { type HeldRow, heldRow } from './held/held-rows.ts';
import { GREEDY, type SamplerConfig } from './sampler.ts';

/** One completion. */
export interface Completion {
  /** The tokens, including the end token of a complete one. */
  readonly ids: readonly number[];
  /** The log-probability of each token at the temperature it was drawn at, greedy ones at 1, in nats. */
  readonly logProbs: readonly number[];
  /** Whether it ended before `maxTokens`. */
  readonly isComplete: boolean;
  /** The limit of its length, if it was generated. */
  readonly limit?: number | undefined;
}

/** The default limit of the length of a completion. */
export const DEFAULT_MAX_TOKENS = 48;

/** How to generate. */
export interface GenerateOptions {
  readonly eosId: number;
  /** The limit of the length of a completion, default {@link DEFAULT_MAX_TOKENS}. */
  readonly maxTokens?: number;
  readonly sampler?: SamplerConfig;
  /** The automaton of each prompt's completion, by the index of the prompt; none by default. */
  readonly automata?: readonly CompletionAutomaton[] | undefined;
  /** Rows per forward pass, default 64. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number) => void;
}

/**
 * Completes prompts of any lengths; results are in the order of the prompts. Row i is sampled with row id i.
 *
 * @throws {LabError} `aborted`
 */
export async function generateAll(
  model: Transformer,
  prompts: readonly Int32Array[],
  options: GenerateOptions,
): Promise<Completion[]> {
  const { batchSize = 64, signal, onProgress } = options;
  // Rows of similar length together; those of one prompt stay adjacent.
  const byLength = prompts
    .map((prompt, index) => ({ index, length: prompt.length }))
    .toSorted((a, b) => a.length - b.length || a.index - b.index);
  const completions = Array.from<Completion>({ length: prompts.length });
  for (let start = 0; start < byLength.length; start += batchSize) {
    throwIfAborted(signal);
    const open = byLength.slice(start, start + batchSize).map(({ index }) => {
      return openRow(prompts[index] ?? new Int32Array(), index, model.config.maxPositions, options);
    });
    await completeBatch(model, open, options);
    for (const { rowId, ids, logProbs, isComplete, limit } of open) {
      completions[rowId] = { ids, logProbs, isComplete, limit };
    }
    onProgress?.(start + open.length);
  }
  return completions;
}

/** A completion that is being written. */
interface OpenRow {
  readonly prompt: Int32Array;
  readonly rowId: number;
  /** The limit of its length; at the model's last position a completion ends, incomplete. */
  readonly limit: number;
  readonly ids: number[];
  readonly logProbs: number[];
  isComplete: boolean;
}

function openRow(
  prompt: Int32Array,
  rowId: number,
  maxPositions: number,
  { maxTokens = DEFAULT_MAX_TOKENS }: GenerateOptions,
): OpenRow {
  const limit = Math.min(maxTokens, maxPositions - prompt.length + 1);
  return { prompt, rowId, limit, ids: [], logProbs: [], isComplete: false };
}

/** Completes rows in place. */
async function completeBatch(
  model: Transformer,
  open: readonly OpenRow[],
  { eosId, sampler = GREEDY, automata, signal }: GenerateOptions,
): Promise<void> {
  const { maxPositions } = model.config;
  // Each prompt is read once for all of its completions.
  const prompts = [...new Set(open.map(({ prompt }) => prompt))];
  const maxTokens = largest(open.map(({ limit }) => limit));
  const decoding = Decoding.start(model, prompts, maxTokens);
  try {
    if (prompts.length < open.length) decoding.select(Int32Array.from(open, ({ prompt }) => prompts.indexOf(prompt)));
    if (automata !== undefined) decoding.hold(open.flatMap((row) => heldRowOf(row, automata)));
    /** The completion of each row of the batch; undefined for a filler. */
    let batch: readonly (OpenRow | undefined)[] = open;
    for (let position = 0; ;) {
      throwIfAborted(signal);
      const steps = stepsToDraw(batch, position, maxPositions);
      const rowIds = batch.map((row) => row?.rowId ?? 0);
      const { ids, logProbs } = await decoding.draw(steps, { sampler, eosId, rowIds, position });
      for (let step = 0; step < steps; step++) {
        for (const [b, row] of batch.entries()) {
          if (row === undefined || isOver(row)) continue;
          const id = ids[step * batch.length + b] ?? eosId;
          row.ids.push(id);
          row.logProbs.push(logProbs[step * batch.length + b] ?? NaN);
          row.isComplete = id === eosId;
        }
      }
      if (batch.every(isOver)) return;
      position += steps;
      const kept = rowsToKeep(batch, maxPositions - position);
      if (kept === undefined) continue;
      decoding.select(Int32Array.from(kept, ({ place }) => place));
      batch = kept.map(({ row }) => row);
    }
  } finally {
    decoding.dispose();
  }
}

function heldRowOf({ rowId, limit }: OpenRow, automata: readonly CompletionAutomaton[]): HeldRow[] {
  const automaton = automata[rowId];
  return automaton === undefined ? [] : [heldRow(automaton, limit)];
}

/** The number of steps to draw together, limited by the needs of the rows and by the last position of each row. */
function stepsToDraw(batch: readonly (OpenRow | undefined)[], position: number, maxPositions: number): number {
  const rows = batch.filter((row) => row !== undefined);
  const needed = largest(rows.map((row) => (isOver(row) ? 0 : row.limit - position)));
  const possible = maxPositions + 1 - position - largest(rows.map(({ prompt }) => prompt.length));
  return Math.min(Decoding.stepsPerRead, needed, possible);
}

function isOver(row: OpenRow | undefined): boolean {
  return row === undefined || row.isComplete || row.ids.length === row.limit;
}

/**
 * The rows to keep, once half of them have ended or an ended one has no room left. Batches are halved and filled up, so
 * that few shapes occur.
 *
 * @param room - the longest prompt after which the model has a position left for the next token
 * @returns undefined to keep all
 */
function rowsToKeep(
  batch: readonly (OpenRow | undefined)[],
  room: number,
): { place: number; row: OpenRow | undefined }[] | undefined {
  const open = batch.flatMap((row, place) => (isOver(row) ? [] : [{ place, row }]));
  const half = Math.ceil(batch.length / 2);
  const isFull = batch.some((row) => row !== undefined && isOver(row) && row.prompt.length > room);
  if (!isFull && (open.length > half || half === batch.length)) return undefined;
  const size = open.length > half ? batch.length : half;
  const filler = { place: open[0]?.place ?? 0, row: undefined };
  return [...open, ...Array.from({ length: size - open.length }, () => filler)];
}
