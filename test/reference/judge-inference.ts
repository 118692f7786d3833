/**
 * How scoring and generation are judged, on whichever backend is current: against the same things done the slow way,
 * with the reference decoder run anew over the whole sequence for every token.
 */
import { expect } from 'vitest';
import { generateAll } from '../../src/infer/generate.ts';
import { scorePrompts } from '../../src/infer/score.ts';
import { expectClose } from './expect-close.ts';
import type { JudgedModel } from './judge-model.ts';
import { logSoftmaxRow } from './softmax-reference.ts';
import { at, rowsOf } from './tensor64.ts';
import { transformerReference } from './transformer-reference.ts';

/** Prompts of several lengths, two of them equal, in an order that is not that of their lengths. */
const PROMPT_LENGTHS = [5, 1, 16, 5, 17, 9];
const MAX_TOKENS = 6;
const TOLERANCE = { absolute: 3e-5 };

/** Label distributions and their mass are the reference's, whatever the batches. */
export async function judgeScores(judged: JudgedModel): Promise<void> {
  const labelIds = [3, 1, 2];
  const prompts = [...promptsOf(judged), ...promptsAlike(judged)];
  const expected = prompts.map((prompt) => {
    const logProbs = nextLogProbs(judged, prompt);
    return labelIds.map((id) => Math.exp(at(logProbs, id)));
  });
  for (const tokensPerPass of [1, 40, 4096]) {
    const inputs = prompts.map((tokens) => Int32Array.from(tokens));
    const scores = await scorePrompts(judged.model, labelIds, inputs, { tokensPerPass });
    for (const [i, tokens] of prompts.entries()) {
      const first = prompts.findIndex((other) => other.join() === tokens.join());
      expect(at(scores, i), 'equal prompts').toEqual(at(scores, first));
    }
    for (const [i, masses] of expected.entries()) {
      const labelMass = masses.reduce((sum, mass) => sum + mass, 0);
      const score = at(scores, i);
      expectClose([score.labelMass], [labelMass], TOLERANCE, `label mass of prompt ${i}`);
      expectClose(
        score.probabilities,
        masses.map((mass) => mass / labelMass),
        TOLERANCE,
        `labels of prompt ${i}`,
      );
    }
  }
}

/** Greedy completions and their log-probabilities are the reference's, whatever the batches. */
export async function judgeGeneration(judged: JudgedModel): Promise<void> {
  const prompts = promptsOf(judged);
  const plain = prompts.map((prompt) => completeGreedily(judged, prompt));
  // The end token is one that comes in some completions and not in others.
  const eosId = at(at(plain, 0).ids, 2);
  for (const batchSize of [1, 64]) {
    const inputs = prompts.map((tokens) => Int32Array.from(tokens));
    const completions = await generateAll(judged.model, inputs, { eosId, maxTokens: MAX_TOKENS, batchSize });
    for (const [i, { ids, logProbs }] of plain.entries()) {
      const end = ids.indexOf(eosId);
      const length = end === -1 ? MAX_TOKENS : end + 1;
      const got = at(completions, i);
      expect(got.ids, `completion of prompt ${i}`).toEqual(ids.slice(0, length));
      expect(got.isComplete).toBe(end !== -1);
      expectClose(got.logProbs, logProbs.slice(0, length), TOLERANCE, `log-probabilities of prompt ${i}`);
    }
  }
}

function promptsOf({ sequences }: JudgedModel): number[][] {
  const tokens = at(sequences, 1).tokens;
  return PROMPT_LENGTHS.map((length) => tokens.slice(tokens.length - length));
}

/**
 * Two queries of several documents each, one document twice, all beginning with the same two tokens, in mixed order.
 */
function promptsAlike({ sequences }: JudgedModel): number[][] {
  const tokens = at(sequences, 1).tokens;
  const queries = [tokens.slice(0, 8), [...tokens.slice(0, 2), ...tokens.slice(9, 12)]];
  return [3, 1, 6, 3, 9, 2].flatMap((length, i) =>
    queries.map((query) => [...query, ...tokens.slice(i % 3, (i % 3) + length)]),
  );
}

function completeGreedily(judged: JudgedModel, prompt: readonly number[]): { ids: number[]; logProbs: number[] } {
  const ids: number[] = [];
  const logProbs: number[] = [];
  while (ids.length < MAX_TOKENS) {
    const row = nextLogProbs(judged, [...prompt, ...ids]);
    const best = row.indexOf(Math.max(...row));
    ids.push(best);
    logProbs.push(at(row, best));
  }
  return { ids, logProbs };
}

function nextLogProbs({ config, weights }: JudgedModel, tokens: readonly number[]): Float64Array {
  return logSoftmaxRow(at(rowsOf(transformerReference(config, weights, tokens)), tokens.length - 1));
}
