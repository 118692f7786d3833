/**
 * The instruction that refinement starts from where none is given: common sense about relevance, written without
 * looking at data.
 */
import { type Instruction, parseInstruction } from './instruction.ts';

/**
 * Four rules on the share of query words in the document, for a scale of R labels. The last holds on every pair whose
 * query has a content word.
 *
 * @throws {LabError} `bad-instruction` if R is not between 2 and 6.
 */
export function startInstruction(scaleSize: number): Instruction {
  const best = scaleSize - 1;
  const rules = [
    { id: 'all-in-title', share: 1, field: 'title', cap: best, text: 'The title has all words of the query.' },
    {
      id: 'all-somewhere',
      share: 1,
      field: 'any',
      cap: Math.max(best - 1, 1),
      text: 'The document has all words of the query.',
    },
    {
      id: 'half-somewhere',
      share: 0.5,
      field: 'any',
      cap: Math.floor(best / 2),
      text: 'The document has half of the words of the query.',
    },
    {
      id: 'otherwise',
      share: 0,
      field: 'any',
      cap: 0,
      text: 'The document has less than half of the words of the query.',
    },
  ];
  return parseInstruction({
    name: 'Start',
    version: 0,
    scaleSize,
    rules: rules.map(({ id, share, field, cap, text }) => ({
      id,
      criterion: 'overall',
      when: { kind: 'overlap', field, is: 'at-least', share },
      cap,
      text,
    })),
  });
}
