/** Whatever a model would rather write: a held completion follows the grammar, quotes its pair and ends. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelTokenizer } from '../../../../src/data/tokenizer/model-tokenizer.ts';
import { CompletionAutomaton } from '../../../../src/infer/held/completion-automaton.ts';
import { anyText, wordsOfPair } from '../../../../src/infer/held/evidence-texts.ts';
import { advanced, allowedTokens, type HeldRow, heldRow } from '../../../../src/infer/held/held-rows.ts';
import type { JudgedPair } from '../../../../src/relevance/pair/pair.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { textFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { evidenceOccurs } from '../../../../src/relevance/rules/evidence.ts';
import type { Instruction } from '../../../../src/relevance/rules/instruction.ts';
import { parseTrace, printTrace } from '../../../../src/relevance/trace/trace.ts';
import { automatonOf, HELD_TOKENIZER, wordedTokenizer } from '../../../reference/held-automata.ts';
import { anyInstruction, anyJudgedPair } from '../../relevance/rules/some-instructions.ts';

/** A completion by a chooser that knows nothing: each number picks one of the allowed tokens. */
function write(start: HeldRow, picks: readonly number[]): number[] {
  const ids: number[] = [];
  for (let row: HeldRow | undefined = start; row !== undefined;) {
    const allowed = allowedTokens(row);
    if (allowed.length === 0) break;
    const id = allowed[(picks[ids.length % picks.length] ?? 0) % allowed.length] ?? -1;
    ids.push(id);
    row = advanced(row, id);
  }
  return ids;
}

const anyWord = fc.oneof(
  fc.constantFrom(
    'kettle',
    'Kettles',
    '500ml',
    'x200',
    "men's",
    '1.5',
    'straße',
    'İzmir',
    '红色水壶',
    'עִבְרִית',
    'ﬁne',
    '①',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }),
);
const anyPhrase = fc.array(anyWord, { maxLength: 7 }).map((words) => words.join(' '));
/** A pair in any writing, beside those of instructions. */
const strangePair = fc
  .record({ query: anyPhrase, title: anyPhrase, text: anyPhrase, value: anyPhrase })
  .map(({ query, title, text, value }): JudgedPair => {
    return {
      query,
      queryId: 'q',
      label: 0,
      document: makeDocument({ docId: 'd', title, text, attributes: { value } }),
    };
  });
const anyCase = anyInstruction.chain((instruction) =>
  fc.record({
    instruction: fc.constant(instruction),
    pair: fc.oneof(anyJudgedPair(instruction.scaleSize), strangePair),
    picks: fc.array(fc.nat(1e6), { minLength: 1, maxLength: 40 }),
    limit: fc.integer({ min: 3, max: 60 }),
  }),
);

/** The lab's own vocabulary, with a token for each element, and one that writes elements in words. */
const VOCABULARIES = [
  { tokens: 'in tokens of its own', tokenizerOf: (): ModelTokenizer => HELD_TOKENIZER, most: 60 },
  {
    tokens: 'in words',
    tokenizerOf: (instruction: Instruction): ModelTokenizer => wordedTokenizer(instruction),
    most: 240,
  },
] as const;
const ROOMS = { 60: 1, 240: 4 } as const;

describe.each(VOCABULARIES)('a completion $tokens held to the grammar', ({ tokenizerOf, most }) => {
  it('parses, cites known rules once, with their criteria, and restates its label within the limit', () => {
    fc.assert(
      fc.property(anyCase, ({ instruction, picks, limit: tokens }) => {
        const limit = tokens * ROOMS[most];
        const tokenizer = tokenizerOf(instruction);
        const ids = write(heldRow(automatonOf(instruction, anyText(tokenizer.hasLines), tokenizer), limit), picks);
        const parsed = parseTrace(tokenizer.decode(ids), instruction.scaleSize);
        expect(parsed).toMatchObject({ ok: true });
        if (!parsed.ok) return;
        const { steps, label, restated } = parsed.trace;
        expect(ids.length).toBeLessThanOrEqual(limit);
        expect(restated).toBe(label);
        expect(new Set(steps.map(({ rule }) => rule)).size).toBe(steps.length);
        expect(steps.map(({ criterion }) => criterion)).toEqual(
          steps.map(({ rule }) => instruction.rules[rule]?.criterion),
        );
      }),
    );
  });
});

const CASES = ([1, 2] as const).flatMap((version) => VOCABULARIES.map((each) => ({ ...each, version })));

describe.each(CASES)(
  'a grounded completion $tokens, words read by folding $version',
  ({ version, tokenizerOf, most }) => {
    const folding = textFolding(version);
    it('also quotes nothing but whole words of the pair', () => {
      let quoted = 0;
      fc.assert(
        fc.property(anyCase, ({ instruction, pair, picks, limit: tokens }) => {
          const limit = tokens * ROOMS[most];
          const tokenizer = tokenizerOf(instruction);
          const automaton = automatonOf(instruction, wordsOfPair(pair, folding), tokenizer);
          const ids = write(heldRow(automaton, limit), picks);
          const parsed = parseTrace(tokenizer.decode(ids), instruction.scaleSize);
          expect(parsed).toMatchObject({ ok: true });
          if (!parsed.ok) return;
          expect(ids.length).toBeLessThanOrEqual(limit);
          const evidence = parsed.trace.steps.flatMap((step) => step.evidence);
          quoted += evidence.length;
          for (const each of evidence) expect([each, evidenceOccurs(folding, pair, each)]).toEqual([each, true]);
        }),
      );
      expect(quoted).toBeGreaterThan(0);
    });

    it('can be any valid trace whose evidence is in the pair, in the tokens of the expert', () => {
      fc.assert(
        fc.property(anyCase, fc.nat(), fc.nat(), ({ instruction, pair }, first, second) => {
          const words = folding.words(pair.document.title).slice(first % 4, (first % 4) + 1 + (second % 3));
          const evidence = words.length === 0 ? [] : [{ source: 'document' as const, text: words.join(' ') }];
          fc.pre(
            evidence.every(
              (each) => evidenceOccurs(folding, pair, each) && folding.words(each.text).join() === words.join(),
            ),
          );
          const rule = second % instruction.rules.length;
          const criterion = instruction.rules[rule]?.criterion ?? 'overall';
          const trace = { scaleSize: instruction.scaleSize, label: 0, restated: 0 };
          const step = { rule, criterion, evidence, verdict: 'match' as const };
          const tokenizer = tokenizerOf(instruction);
          const ids = tokenizer.encode(printTrace({ ...trace, steps: [step] }));
          const automaton = automatonOf(instruction, wordsOfPair(pair, folding), tokenizer);
          let row: HeldRow | undefined = heldRow(automaton, 400);
          for (const id of ids) {
            expect(row === undefined ? [] : [...allowedTokens(row)]).toContain(id);
            row = row === undefined ? undefined : advanced(row, id);
          }
          expect(row?.state).toBe(CompletionAutomaton.END);
        }),
      );
    });

    it('says in a table what it says state by state', () => {
      fc.assert(
        fc.property(anyCase, ({ instruction, pair }) => {
          const automaton = automatonOf(instruction, wordsOfPair(pair, folding), tokenizerOf(instruction));
          const { offsets, ids, next, remaining } = automaton.table();
          expect(offsets.length).toBe(remaining.length + 1);
          for (let state = 0; state < remaining.length; state++) {
            const [from, to] = [offsets[state] ?? 0, offsets[state + 1] ?? 0];
            expect(ids.subarray(from, to)).toEqual(automaton.choices(state).ids);
            const ways = [...next.subarray(from, to)].map((after) => 1 + (remaining[after] ?? 0));
            if (state === CompletionAutomaton.END) expect(remaining[state]).toBe(0);
            else if (ways.length > 0) expect(remaining[state]).toBe(Math.min(...ways));
            else expect(remaining[state]).toBeGreaterThan(1e9); // a source with nothing to quote
          }
        }),
        { numRuns: 40 },
      );
    });
  },
);
