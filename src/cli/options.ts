/**
 * Options of several commands.
 */
import { DECODINGS } from '../config/decoding.ts';
import { existsSync } from 'node:fs';
import { InvalidArgumentError, Option } from 'commander';
import { readNumber } from '../config/setting-values.ts';
import { PRECISIONS } from '../config/stored.ts';
import { BACKEND_CHOICES } from '../protocol/scoring.ts';

/** The folder of the bundled models. */
const BUNDLED_FOLDER = 'public/models';
/** The bundled model of the rule world. */
export const DEFAULT_MODEL_FOLDER = `${BUNDLED_FOLDER}/default`;
/** The bundled model for files without judgments. */
export const GENERAL_MODEL_FOLDER = `${BUNDLED_FOLDER}/general`;

/** `--model DIR`, or the name of a bundled model. */
export function modelOption(folder = DEFAULT_MODEL_FOLDER): Option {
  return new Option('-m, --model <folder>', 'a model folder, a GGUF file, or the name of a bundled model')
    .argParser(modelFolder)
    .default(folder);
}

/** The folder of a bundled model, given its name; any other text is itself a folder. */
export function modelFolder(text: string): string {
  const bundled = `${BUNDLED_FOLDER}/${text}`;
  return !existsSync(text) && /^[\w-]+$/u.test(text) && existsSync(bundled) ? bundled : text;
}

/** For the `--help` of commands that write tables. */
export const EXACT_IDS =
  'In .csv and .tsv, ids and queries are written exactly as they came; titles and reasons that a\nspreadsheet would run ' +
  'as formulas get an apostrophe before them. In .jsonl everything is exact.';

/** `--precision NAME` */
export function precisionOption(): Option {
  return new Option('--precision <name>', 'the format of matrices in memory (default: as stored)').choices(PRECISIONS);
}

/** What completions are held to; without a default where that depends on the model. @param what - is held */
export function decodingOption(what: string): Option {
  return new Option(
    '--decoding <kind>',
    `${what}: free, held to the grammar, or also to quote nothing but the pair`,
  ).choices(DECODINGS);
}

/** `--backend NAME` */
export function backendOption(): Option {
  return new Option('--backend <name>', 'where to compute; auto takes a real GPU, else wasm')
    .choices(BACKEND_CHOICES)
    .default('auto');
}

/** Parses an integer of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return numberThat(`a whole number of at least ${least}`, (value) => Number.isInteger(value) && value >= least);
}

/** Parses a number above 0. */
export const positiveNumber = numberThat('a number above 0', (value) => value > 0);
/** Parses a number of at least 0. */
export const notNegativeNumber = numberThat('a number of at least 0', (value) => value >= 0);

/** Parses a number from 0 to 1. */
export const share = numberThat('a number from 0 to 1', (value) => value >= 0 && value <= 1);

export function numberThat(expected: string, isRight: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = readNumber(text);
    if (value === undefined || !isRight(value)) throw new InvalidArgumentError(`Expected ${expected}.`);
    return value;
  };
}
