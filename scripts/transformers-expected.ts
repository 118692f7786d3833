/**
 * The lab's tokens and prompts for a model folder, as JSON on standard output: the counterpart of
 * docs/transformers-check.py.
 */
import process from 'node:process';
import * as tf from '@tensorflow/tfjs-core';
import { readModelFolder } from '../src/cli/model-folder.ts';
import { openNodeBackend } from '../src/cli/node-backend.ts';
import { Rng } from '../src/common/rng.ts';
import { encodePrompt } from '../src/data/tokenizer/encode-prompt.ts';
import { promptRoom } from '../src/infer/lab-model.ts';
import { forward, logits } from '../src/model/transformer.ts';
import { buildPrompt } from '../src/relevance/prompt/prompt.ts';
import { makeRuleWorld } from '../src/relevance/world/rule-world.ts';

/**
 * Text on which tokenizers disagree: digits, spaces, contractions, composed characters, text that looks like structure.
 */
const PIECES =
  "kettle| red| don't| 1.5 l|1234|  |\n|\t| Größe|cafe\u0301| ﬁn|İ| ß|①½| 電気ケトル|ไทย| عربي|🫖|👩‍🔬|\u00ad|\u200b|\ufeff|\u00a0"
    .split('|')
    .concat('<|answer|>', ' <|eos|>', '<|', '|>');
const TEXTS = 500;
const PROMPTS = 24;

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name a model folder: npx tsx scripts/transformers-expected.ts FOLDER');
await openNodeBackend('wasm');
const model = await readModelFolder(folder, 'f32');
const { tokenizer, transformer, prompt } = model;

const rng = new Rng('transformers');
const texts = Array.from({ length: TEXTS }, () => {
  const text = Array.from({ length: 1 + rng.int(12) }, () => PIECES[rng.int(PIECES.length)] ?? '').join('');
  return { text, ids: tokenizer.encodeText(text) };
});

const pairs = [...makeRuleWorld({ trainQueries: 2, devQueries: PROMPTS, testQueries: 2 }).pairs('dev')].slice(
  0,
  PROMPTS,
);
const prompts = pairs.map((pair) => {
  const ids = encodePrompt(tokenizer, pair, prompt, promptRoom(model)).ids;
  const { segments } = buildPrompt(pair, prompt);
  const text = segments.map((segment) => (segment.kind === 'text' ? segment.text : segment.token)).join('');
  const T = ids.length;
  const last = tf.tidy(() =>
    tf.slice(logits(transformer, forward(transformer, { B: 1, T, ids })), [T - 1, 0], [1, -1]),
  );
  return { text, ids: [...ids], logits: [...last.dataSync<'float32'>()] };
});
process.stdout.write(`${JSON.stringify({ texts, prompts })}\n`);
