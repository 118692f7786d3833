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
import { makeRuleWorld } from '../relevance/world/rule-world.ts';
import { SPECIAL_TOKENS } from '../relevance/pair/vocabulary.ts';
import { wholeNumber } from './options.ts';
import { checkOutputFile, forceOption, writeOutput } from './outputs.ts';
import { systemError } from './system-errors.ts';
import { note, print } from './terminal.ts';

interface TokenizerOptions {
  readonly vocab: number;
  readonly seed: number;
  readonly text?: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly encode?: string;
}

export function tokenizerCommand(): Command {
  return new Command('tokenizer')
    .description('train a byte-level BPE tokenizer on the rule world or on a text file')
    .option('--vocab <n>', 'entries of the vocabulary', wholeNumber(SPECIAL_TOKENS.length + 256), 768)
    .option('--seed <n>', 'the seed of the rule world', wholeNumber(0), 1)
    .option('--text <file>', 'train on the lines of this file instead')
    .option('--out <file>', 'write a Hugging Face tokenizer.json')
    .addOption(forceOption())
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

async function runTokenizer({ vocab, seed, text, out, force, encode }: TokenizerOptions): Promise<void> {
  const rules = { inputs: [text], force };
  if (out !== undefined) await checkOutputFile(out, rules);
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
  await writeOutput(out, rules, [`${JSON.stringify(tokenizer.toJson(), null, 1)}\n`]);
  note(`Wrote ${out}.`);
}

async function readLines(path: string): Promise<string[]> {
  try {
    return (await readFile(path, 'utf8')).split(/\r?\n/);
  } catch (cause) {
    throw systemError(cause, `read the text file ${path}`);
  }
}
