/**
 * The action of `lab tokenizer`.
 */
import { readFile } from 'node:fs/promises';
import { trainBpe } from '../../data/tokenizer/bpe-trainer.ts';
import { LabTokenizer } from '../../data/tokenizer/tokenizer.ts';
import { trainWorldTokenizer } from '../../runs/sft-experiment.ts';
import { SftExperimentSchema } from '../../protocol/sft-experiment.ts';
import { parseConfig } from '../../config/parse.ts';
import { makeRuleWorld } from '../../relevance/world/rule-world.ts';
import { SPECIAL_TOKENS } from '../../relevance/pair/vocabulary.ts';
import { checkOutputFile, writeOutput } from '../outputs.ts';
import { systemError } from '../system-errors.ts';
import { note, print } from '../terminal.ts';

interface TokenizerOptions {
  readonly vocab: number;
  readonly seed: number;
  readonly text?: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly encode?: string;
}

export async function runTokenizer({ vocab, seed, text, out, force, encode }: TokenizerOptions): Promise<void> {
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
