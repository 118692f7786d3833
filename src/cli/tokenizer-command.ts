/**
 * `lab tokenizer`: trains a byte-level BPE tokenizer.
 */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { trainBpe } from '../data/tokenizer/bpe-trainer.ts';
import { LabTokenizer } from '../data/tokenizer/tokenizer.ts';
import { trainWorldTokenizer } from '../runs/sft-experiment.ts';
import { SftExperimentSchema } from '../protocol/sft-experiment.ts';
import { parseConfig } from '../config/parse.ts';
import { LabError } from '../common/errors.ts';
import { makeRuleWorld } from '../relevance/world/rule-world.ts';
import { SPECIAL_TOKENS } from '../relevance/pair/vocabulary.ts';
import { writeWhole } from './model-folder.ts';
import { wholeNumber } from './options.ts';
import { note, print } from './terminal.ts';

interface TokenizerOptions {
  readonly vocab: number;
  readonly seed: number;
  readonly text?: string;
  readonly out?: string;
  readonly encode?: string;
}

export function tokenizerCommand(): Command {
  return new Command('tokenizer')
    .description('train a byte-level BPE tokenizer on the rule world or on a text file')
    .option('--vocab <n>', 'entries of the vocabulary', wholeNumber(SPECIAL_TOKENS.length + 256), 768)
    .option('--seed <n>', 'the seed of the rule world', wholeNumber(0), 1)
    .option('--text <file>', 'train on the lines of this file instead')
    .option('--out <file>', 'write a Hugging Face tokenizer.json')
    .option('--encode <text>', 'show how a text is split')
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- tokenizer --vocab 1024 --out tokenizer.json
  npm run lab -- tokenizer --encode "zorvex blender 1.5 l"`,
    )
    .action(runTokenizer);
}

async function runTokenizer({ vocab, seed, text, out, encode }: TokenizerOptions): Promise<void> {
  const tokenizer =
    text === undefined
      ? trainWorldTokenizer(makeRuleWorld({ seed }), parseConfig('The defaults', SftExperimentSchema, {}), vocab)
      : LabTokenizer.fromJson(trainBpe(await readLines(text), { vocabSize: vocab, specialTokens: SPECIAL_TOKENS }));
  note(`${tokenizer.vocabSize} tokens, fingerprint ${tokenizer.fingerprint}`);
  if (encode !== undefined) {
    const ids = tokenizer.encodeText(encode);
    print(ids.map((id) => `${id}:${JSON.stringify(tokenizer.decodeText([id]))}`).join(' '));
  }
  if (out === undefined) return;
  await writeWhole(out, `${JSON.stringify(tokenizer.toJson(), null, 1)}\n`);
  note(`Wrote ${out}.`);
}

async function readLines(path: string): Promise<string[]> {
  try {
    return (await readFile(path, 'utf8')).split(/\r?\n/);
  } catch (cause) {
    throw new LabError('not-found', { message: `The text file ${path} cannot be read.`, cause });
  }
}
