/**
 * Prompts and completions in plain words, for language models without tokens of the lab's own. Each special token of the
 * lab is written as some words between the parts of the model's chat template, so that a prompt reads:
 *
 *     [open] You judge ... Labels: 0 irrelevant ... Rules: A. ... [middle]
 *     Query: acme kettle
 *     Title: kettle
 *     brand: zenith [close] Label:
 *
 * and a completion one element a line (data/tokenizer/worded-stream.ts). Rules have letters, because a letter is one
 * token and differs from the others at once.
 */
import type { LabelScale } from '../pair/labels.ts';
import { DOCUMENT_FIELDS } from '../pair/pair.ts';
import {
  ANSWER,
  ATTRIBUTE_NAME,
  ATTRIBUTE_VALUE,
  CRITERIA,
  criterionToken,
  CUT,
  EVIDENCE_SOURCES,
  evidenceToken,
  fieldToken,
  HINT_BUCKETS,
  instructionToken,
  MAX_INSTRUCTION_VERSIONS,
  NO_GAP,
  NO_MEANING,
  NO_STANDING,
  NUMBER_HINTS,
  numberHintToken,
  overlapHintToken,
  QUERY,
  ruleToken,
  scaleToken,
  specialTokens,
  VERDICTS,
  verdictToken,
} from '../pair/vocabulary.ts';
import type { Instruction } from '../rules/instruction.ts';

/** What a chat template puts around the two texts of a prompt; special tokens in it are those of the model. */
export interface ChatFrame {
  /** Before the instruction. */
  readonly open: string;
  /** Between the instruction and the pair. */
  readonly middle: string;
  /** After the pair, to where the answer begins. */
  readonly close: string;
}

/** The words of the lab's special tokens, but for labels and the end token. */
export function wordsOf(
  frame: ChatFrame,
  scale: LabelScale,
  labels: readonly string[],
  instruction: Instruction,
): Record<string, string> {
  const pairs: (readonly [token: string, words: string])[] = [
    [scaleToken(scale.size), `${frame.open}${task(scale, labels)}`],
    ...Array.from(
      { length: MAX_INSTRUCTION_VERSIONS },
      (_, version) => [instructionToken(version), `${ruleList(instruction, labels)}${frame.middle}`] as const,
    ),
    [QUERY, 'Query:'],
    [ANSWER, `${frame.close}${LABEL}`],
    [ATTRIBUTE_NAME, '\n'],
    [ATTRIBUTE_VALUE, ':'],
    [CUT, ' ...'],
    ...DOCUMENT_FIELDS.map(
      (field) => [fieldToken(field), field === 'attributes' ? '' : `\n${capital(field)}:`] as const,
    ),
    ...RULE_LETTERS.map((letter, rule) => [ruleToken(rule), `\n${letter}.`] as const),
    ...CRITERIA.map((criterion) => [criterionToken(criterion), ` ${criterion}`] as const),
    ...EVIDENCE_SOURCES.map((source) => [evidenceToken(source), `\n${source}:`] as const),
    ...VERDICTS.map((verdict) => [verdictToken(verdict), `\n${verdict}`] as const),
    ...hintWords(),
  ];
  return Object.fromEntries(pairs);
}

/** What comes before the answer, and on a line of its own before the label that restates it. */
const LABEL = 'Label:';
export const RESTATED = `\n${LABEL}`;

/** A to Z and a to v: one for each rule that an instruction may have. */
export const RULE_LETTERS: readonly string[] = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv');

/**
 * The wording of Qwen3-Reranker, which was trained on yes and no behind this text. Source: its model card at Hugging
 * Face. All fields are one document.
 */
export const RERANKER = {
  labels: ['no', 'yes'],
  restated: '\n',
  document: '\n\n<Document>:',
  words: {
    [scaleToken(2)]:
      '<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct provided. ' +
      'Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n' +
      '<Instruct>: Given a web search query, retrieve relevant passages that answer the query',
    ...Object.fromEntries(
      Array.from({ length: MAX_INSTRUCTION_VERSIONS }, (_, version) => [instructionToken(version), '']),
    ),
    [QUERY]: '\n\n<Query>:',
    [ANSWER]: '<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n',
    [ATTRIBUTE_NAME]: '\n',
    [ATTRIBUTE_VALUE]: ':',
    [CUT]: '',
    ...Object.fromEntries(DOCUMENT_FIELDS.map((field) => [fieldToken(field), field === 'title' ? '' : '\n'])),
  },
} as const;

function task({ names, rubric }: LabelScale, labels: readonly string[]): string {
  const lines = names.map((name, k) => {
    const line = rubric[k] ?? name;
    return `${labels[k] ?? k}: ${name}${line === name ? '' : `, ${line}`}`;
  });
  return `Judge how relevant a document is to a search query. Answer with one label first.\nLabels:\n${lines.join('\n')}`;
}

function ruleList({ rules }: Instruction, labels: readonly string[]): string {
  if (rules.length === 0) return '';
  const lines = rules.map(({ text, criterion, scope, cap }, rule) => {
    const place = scope === undefined ? criterion : `${criterion}, ${scope}`;
    return `${RULE_LETTERS[rule] ?? rule}. (${place}) ${text} At most ${labels[cap] ?? cap}.`;
  });
  return `\nThen name the rules that decide, with words of the query and the document.\nRules:\n${lines.join('\n')}`;
}

/** Hints, which imported models are not shown unless a run asks for them. */
function hintWords(): (readonly [string, string])[] {
  const shares = ['no word', 'some words', 'most words', 'all words'];
  const overlaps = (['query', ...DOCUMENT_FIELDS] as const).flatMap((field) =>
    Array.from({ length: HINT_BUCKETS }, (_, bucket) => {
      const place = field === 'query' ? 'found in the document' : `shared with its ${field}`;
      return [overlapHintToken(field, bucket), `\nOf the query ${place}: ${shares[bucket] ?? bucket}`] as const;
    }),
  );
  const numbers = NUMBER_HINTS.map((hint) => [numberHintToken(hint), `\nNumbers: ${hint}`] as const);
  const known = new Set<string>([...overlaps, ...numbers].map(([token]) => token));
  const absent = new Map([
    [NO_STANDING, 'place among the documents: unknown'],
    [NO_MEANING, 'likeness of meaning: unknown'],
    [NO_GAP, 'gap: unknown'],
  ]);
  // The rest are levels: <|hint:rank:3|> is "rank: 3".
  const levels = specialTokens({ standing: true, meaning: true })
    .filter((token) => token.startsWith('<|hint:') && !known.has(token))
    .map((token) => {
      const [, name = '', level = ''] = token.slice(2, -2).split(':');
      return [token, `\n${absent.get(token) ?? `${name}: ${level}`}`] as const;
    });
  return [...overlaps, ...numbers, ...levels];
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
