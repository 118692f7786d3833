/**
 * Options about a sentence encoder, apart from what loads it, because `--help` should not wait for tensors.
 */
import { Option } from 'commander';

/** `--encoder FOLDER` */
export function encoderOption(): Option {
  return new Option(
    '--encoder <folder>',
    'compare queries with titles by a BERT sentence encoder, for example all-MiniLM-L6-v2, in place of static vectors',
  );
}

/** `--keep-vectors FILE` */
export function keepVectorsOption(): Option {
  return new Option(
    '--keep-vectors <file>',
    'keep what the encoder makes of each text (by the hash of the text), so that it reads none twice',
  );
}
