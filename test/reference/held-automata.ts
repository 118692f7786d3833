/** Automata to hold completions to, over a small vocabulary. */
import { trainBpe } from '../../src/data/tokenizer/bpe-trainer.ts';
import { byteTrie } from '../../src/data/tokenizer/byte-trie.ts';
import type { ModelTokenizer } from '../../src/data/tokenizer/model-tokenizer.ts';
import { LabTokenizer } from '../../src/data/tokenizer/tokenizer.ts';
import { WordedTokenizer } from '../../src/data/tokenizer/worded-tokenizer.ts';
import { CompletionAutomaton } from '../../src/infer/held/completion-automaton.ts';
import { type EvidenceTexts, wordsOfPair } from '../../src/infer/held/evidence-texts.ts';
import { scaleOfSize } from '../../src/relevance/pair/labels.ts';
import { makeDocument, type Pair } from '../../src/relevance/pair/pair.ts';
import { currentFolding } from '../../src/relevance/pair/text-folding.ts';
import { SPECIAL_TOKENS } from '../../src/relevance/pair/vocabulary.ts';
import { type ChatFrame, RESTATED, wordsOf } from '../../src/relevance/prompt/wording.ts';
import { type Instruction, parseInstruction } from '../../src/relevance/rules/instruction.ts';

const WORDS = 'kettle kettle lamp lamp zorvex zorvex quiet quiet without without blue blue 500 500 é é 红 红 水壶 水壶';

/** A byte-level tokenizer with some whole words in its vocabulary. */
export const HELD_TOKENIZER = LabTokenizer.fromJson(
  trainBpe(
    WORDS.split(' ').map((word) => ` ${word}`),
    { vocabSize: SPECIAL_TOKENS.length + 330, specialTokens: SPECIAL_TOKENS },
  ),
);
const TRIE = byteTrie(HELD_TOKENIZER);

/** An automaton, by default over {@link HELD_TOKENIZER}. */
export function automatonOf(
  instruction: Instruction,
  texts: EvidenceTexts,
  tokenizer: ModelTokenizer = HELD_TOKENIZER,
): CompletionAutomaton {
  const trie = tokenizer === HELD_TOKENIZER ? TRIE : byteTrie(tokenizer);
  return new CompletionAutomaton(instruction, tokenizer, trie, texts);
}

/** A vocabulary that the lab did not train, which writes the completions of an instruction in words. */
export function wordedTokenizer(instruction: Instruction): WordedTokenizer {
  const labels = Array.from({ length: instruction.scaleSize }, (_, label) => String(label));
  const words = wordsOf(CHAT_FRAME, scaleOfSize(instruction.scaleSize), labels, instruction);
  return new WordedTokenizer(FOREIGN_JSON, { labels, restated: RESTATED, end: '<|im_end|>', document: '', words });
}

/** The parts of a chat template in ChatML. */
export const CHAT_FRAME: ChatFrame = {
  open: '<|im_start|>system\n',
  middle: '<|im_end|>\n<|im_start|>user\n',
  close: '<|im_end|>\n<|im_start|>assistant\n',
};

/** The `tokenizer.json` of such a vocabulary. */
export const FOREIGN_JSON = trainBpe(
  `${WORDS} Label Label query query document document match match brand brand overall overall`
    .split(' ')
    .flatMap((word) => [` ${word}`, word]),
  { vocabSize: 2 + 400, specialTokens: ['<|im_start|>', '<|im_end|>'] },
);

/** The automata of grounded completions for some pairs, of an instruction of three rules on four labels. */
export function groundedAutomata(): CompletionAutomaton[] {
  return SOME_PAIRS.map((pair) => automatonOf(SOME_RULES, wordsOfPair(pair, currentFolding())));
}

const SOME_RULES = parseInstruction({
  name: 'held',
  version: 0,
  scaleSize: 4,
  rules: ['brand', 'type', 'quantity'].map((criterion, cap) => ({
    id: criterion,
    criterion,
    when: { kind: 'query-length', is: 'at-least', words: 1 },
    cap,
    text: criterion,
  })),
});

const SOME_PAIRS: readonly Pair[] = [
  ['blue kettle 500 ml', 'Zorvex kettle, blue, 500ml', 'quiet kettle without lamp'],
  ['lamp', 'Lamp lamp lamp', ''],
  ['红 水壶 é', '水壶 红 kettle', 'blue'],
  ['???', '', ''],
].map(([query = '', title = '', text = '']) => ({
  query,
  queryId: query,
  document: makeDocument({ docId: title, title, text }),
}));
