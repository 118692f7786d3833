/**
 * The action of `lab inside`.
 */
import { LabError } from '../../common/errors.ts';
import type { DecodingKind } from '../../config/decoding.ts';
import { lookInside } from '../../infer/inside.ts';
import { loadLabModel } from '../../infer/lab-model.ts';
import type { Precision } from '../../model/stored-weights.ts';
import { type Inside, shownAttention } from '../../protocol/inside.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { readModelFiles } from '../model-folder.ts';
import { openNodeBackend } from '../node-backend.ts';
import { note, print } from '../terminal.ts';
import { bar, type DocumentOptions, readPair } from './answer-action.ts';

interface InsideOptions extends DocumentOptions {
  readonly model: string;
  readonly precision?: Precision;
  readonly backend: BackendChoice;
  readonly layer?: number;
  readonly head?: number;
  readonly decoding?: DecodingKind;
  readonly json?: boolean;
}

export async function runInside(query: string, documentText: string, options: InsideOptions): Promise<void> {
  const pair = readPair(query, documentText, options);
  const files = await readModelFiles(options.model);
  const opened = await openNodeBackend(options.backend);
  const model = await loadLabModel(files, options.precision);
  const { layers, heads } = model.transformer.config;
  checkPlace('layer', options.layer, layers);
  checkPlace('head', options.head, heads);
  const inside = await lookInside(model, pair, { decoding: options.decoding });
  if (options.json === true) print(JSON.stringify(inside));
  else for (const line of linesOf(inside, model.scale.names, options)) print(line);
  note(`${model.card.name} on ${opened.backend}: ${opened.device}.`);
}

/** @throws {LabError} `bad-config` for a layer or a head that the model lacks */
function checkPlace(what: 'layer' | 'head', asked: number | undefined, count: number): void {
  if (asked === undefined || asked <= count) return;
  throw new LabError('bad-config', {
    message: `This model has no ${what} ${asked}.`,
    expected: `1 to ${count}`,
    got: String(asked),
    fix: `Name one of these with --${what}.`,
  });
}

function* linesOf(inside: Inside, names: readonly string[], { layer, head }: InsideOptions): Generator<string> {
  const { words, lens, tokens, label } = inside;
  yield `${label} ${names[label] ?? ''}`;
  yield '';
  const of = [layer === undefined ? 'all layers' : `layer ${layer}`, head === undefined ? 'all heads' : `head ${head}`];
  yield `What the label attends to (${of.join(', ')}), word by word`;
  const shares = shownAttention(inside, layer, head);
  for (const [i, { text, field }] of words.entries()) {
    const share = shares[i] ?? 0;
    yield `  ${bar(share)} ${percent(share)}  ${text}${field === null ? '' : ` (${field})`}`;
  }
  yield '';
  yield `The label by layer: ${names.join(', ')} | all labels together, of the whole vocabulary`;
  for (const [i, { probabilities, labelMass }] of lens.entries()) {
    const at = i === 0 ? 'before  1' : `after  ${String(i).padStart(2)}`;
    yield `  ${at}  ${probabilities.map(percent).join('  ')}  | ${percent(labelMass)}`;
  }
  yield '';
  yield 'Entropy of the policy at each token, in nats, and the probability of the token';
  for (const { text, entropyNats, probability } of tokens) {
    yield `  ${entropyNats.toFixed(3).padStart(7)} ${percent(probability)}  ${text}`;
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1).padStart(5)} %`;
}
