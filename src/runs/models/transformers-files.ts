/**
 * The files of a model folder that Hugging Face transformers needs besides config.json, tokenizer.json and the weights;
 * the lab itself does not read them. Without `tokenizer_config.json` transformers uses the tokenizer of the model type,
 * Qwen2's, which splits text differently, normalises it, and pads with an id that the model has no row for.
 */
import type { ModelConfig } from '../../config/model-config.ts';
import type { ModelTokenizer } from '../../data/tokenizer/model-tokenizer.ts';
import { EOS, PAD } from '../../relevance/pair/vocabulary.ts';
import { DEFAULT_MAX_TOKENS } from '../../infer/generate.ts';

/** The files that only transformers reads. */
export type TransformersFileName = 'tokenizer_config.json' | 'generation_config.json';

/** The ids that transformers looks for in more than one file. */
export function tokenIdsOf(tokenizer: ModelTokenizer): {
  readonly eos_token_id: number;
  readonly pad_token_id: number;
} {
  return { eos_token_id: tokenizer.idOf(EOS), pad_token_id: tokenizer.idOf(PAD) };
}

function textOf(tokenizer: ModelTokenizer, specialToken: string): string | undefined {
  return tokenizer.tokenTexts([tokenizer.idOf(specialToken)])[0];
}

/** The contents of these files, as JSON. */
export function makeTransformersFiles(
  { maxPositions }: Pick<ModelConfig, 'maxPositions'>,
  tokenizer: ModelTokenizer,
): Readonly<Record<TransformersFileName, Readonly<Record<string, unknown>>>> {
  return {
    'tokenizer_config.json': {
      // The class that uses tokenizer.json unchanged.
      tokenizer_class: 'PreTrainedTokenizerFast',
      eos_token: textOf(tokenizer, EOS),
      pad_token: textOf(tokenizer, PAD),
      // Generation continues from the last position of each row.
      padding_side: 'left',
      model_max_length: maxPositions,
      model_input_names: ['input_ids', 'attention_mask'],
      clean_up_tokenization_spaces: false,
    },
    'generation_config.json': {
      ...tokenIdsOf(tokenizer),
      do_sample: false,
      max_new_tokens: DEFAULT_MAX_TOKENS,
    },
  };
}
