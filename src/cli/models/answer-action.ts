/**
 * The action of `lab answer`.
 */
import type { DecodingKind } from '../../config/decoding.ts';
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import { describeIssue } from '../../config/issues.ts';
import { answerPair } from '../../infer/answer.ts';
import { type LabModel, loadLabModel, whyNoReasons } from '../../infer/lab-model.ts';
import type { ScoringEvent } from '../../protocol/scoring.ts';
import { type LabDocument, makeDocument, type Pair } from '../../relevance/pair/pair.ts';
import { spokenStep } from '../../relevance/rules/spoken-step.ts';
import { describeMemory } from '../../model/memory.ts';
import type { Precision } from '../../model/stored-weights.ts';
import { type EncoderOptions, withEncoder } from '../encoder-folder.ts';
import { readModelFiles } from '../model-folder.ts';
import { openNodeBackend } from '../node-backend.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { note, print } from '../terminal.ts';
import { FieldsDocumentSchema, titled } from './rerank-request.ts';

/** The fields of a document. */
export interface DocumentOptions {
  readonly brand?: string;
  readonly type?: string;
  readonly text?: string;
  readonly attribute: readonly string[];
}

interface AnswerOptions extends DocumentOptions, EncoderOptions {
  readonly model: string;
  readonly precision?: Precision;
  readonly backend: BackendChoice;
  readonly reason: boolean;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed: number;
  readonly decoding?: DecodingKind;
  readonly json?: boolean;
}

export async function runAnswer(query: string, documentText: string, options: AnswerOptions): Promise<void> {
  const pair = readPair(query, documentText, options);
  const files = await readModelFiles(options.model);
  const opened = await openNodeBackend(options.backend);
  const { model } = await withEncoder(await loadLabModel(files, options.precision), options);
  // Notes follow the answer, so that the two do not mix in a terminal.
  const notes = [
    `${model.card.name} on ${opened.backend}: ${opened.device}. Memory: ${describeMemory(model.transformer)}.`,
  ];
  const emit =
    options.json === true
      ? (event: ScoringEvent) => print(JSON.stringify(event))
      : printer(model, (line) => void notes.push(line));
  const { temperature, topK, topP, seed } = options;
  const silence = whyNoReasons(model, model);
  if (options.reason && silence !== undefined) notes.push(silence);
  const reason = options.reason && silence === undefined;
  await answerPair(model, pair, {
    reason,
    sampler: { temperature, topK, topP, seed },
    decoding: options.decoding,
    emit,
  });
  for (const line of notes) note(line);
}

/** @param addNote - receives notes about the answer */
function printer({ scale, instruction }: LabModel, addNote: (line: string) => void): (event: ScoringEvent) => void {
  return (event) => {
    switch (event.kind) {
      case 'label': {
        print(`${event.label} ${scale.names[event.label] ?? ''}   s = ${event.score.toFixed(3)}`);
        const bars = event.probabilities.map(
          (p, label) => `  ${label} ${bar(p)} ${(100 * p).toFixed(1).padStart(5)} %`,
        );
        for (const line of bars) print(line);
        addNote(
          `One prefill of ${event.promptTokens} tokens in ${event.prefillMs.toFixed(1)} ms` +
            `${event.cutFields.length === 0 ? '' : `; cut to fit: ${event.cutFields.join(', ')}`}.`,
        );
        return;
      }
      case 'step': {
        const evidence = event.step.evidence.map(({ source, text }) => `${source} "${text}"`).join(', ');
        const id = instruction.rules[event.step.rule]?.id ?? `rule ${event.step.rule}`;
        print(`  [${event.check}] ${spokenStep(event.ruleText, event.step)}`);
        print(`      ${id}: ${event.step.criterion} ${event.step.verdict}${evidence === '' ? '' : `, ${evidence}`}`);
        if (event.check !== 'verified') print(`      ${event.reason}`);
        return;
      }
      case 'done':
        if (event.problem !== undefined) print(`  ${event.problem}`);
        if (event.agreement === 'disagrees') print('  The verified reasoning does not lead to this label.');
        addNote(`${event.tokens} tokens of reasoning by ${event.passes} passes in ${event.decodeMs.toFixed(1)} ms.`);
        return;
      case 'text':
        return;
      case 'failed':
        throw new LabError(event.code, { message: event.message });
      default:
        event satisfies never;
    }
  };
}

export function bar(probability: number): string {
  const filled = Math.round(probability * 20);
  return '#'.repeat(filled) + '.'.repeat(20 - filled);
}

/** The pair of the command. @throws {LabError} `bad-config` for an empty text; as {@link readDocument} */
export function readPair(query: string, documentText: string, options: DocumentOptions): Pair {
  checkText('query', query);
  return { query, document: readDocument(documentText, options) };
}

/** @throws {LabError} `bad-config` for an empty document, JSON that is not a document, or an attribute without "=" */
function readDocument(text: string, { brand, type, text: more, attribute }: DocumentOptions): LabDocument {
  const attributes = Object.fromEntries(attribute.map(readAttribute));
  const base = text.trimStart().startsWith('{') ? readJsonDocument(text) : makeDocument({ title: text });
  const document = titled({
    ...base,
    brand: brand ?? base.brand,
    type: type ?? base.type,
    text: more ?? base.text,
    attributes: { ...base.attributes, ...attributes },
  });
  checkText('document', document.title);
  return document;
}

/** @throws {LabError} `bad-config` for an empty text, as a file of pairs refuses it */
function checkText(what: string, text: string): void {
  if (text.trim() !== '') return;
  throw new LabError('bad-config', { message: `The ${what} is empty.`, expected: 'a text', got: JSON.stringify(text) });
}

function readJsonDocument(text: string): LabDocument {
  const fail = (got: string): LabError =>
    new LabError('bad-config', {
      message: 'The document starts like JSON but is not usable.',
      expected: 'an object with title and, if known, brand, type, attributes, text',
      got,
    });
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw fail(error instanceof Error ? error.message : 'no JSON');
  }
  const parsed = v.safeParse(FieldsDocumentSchema, data);
  if (!parsed.success)
    throw fail(
      parsed.issues.map((i) => `${v.getDotPath(i) ?? 'object'}: ${describeIssue(FieldsDocumentSchema, i)}`).join('; '),
    );
  return parsed.output;
}

function readAttribute(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  throw new LabError('bad-config', {
    message: 'An attribute is not usable.',
    expected: '--attribute name=value',
    got: `"${text}"`,
  });
}
