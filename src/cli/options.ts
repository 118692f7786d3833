/**
 * Options that several commands share.
 */
import { existsSync } from 'node:fs';
import { InvalidArgumentError, Option } from 'commander';
import { TRAINING_PRECISIONS } from '../config/sft-config.ts';
import { PRECISIONS } from '../model/stored-weights.ts';
import { BACKEND_NAMES } from './node-backend.ts';

/** Where the models are that come with the lab. */
const BUNDLED_FOLDER = 'public/models';
/** The bundled model of the rule world. */
export const DEFAULT_MODEL_FOLDER = `${BUNDLED_FOLDER}/default`;
/** The bundled model for files that nobody has judged. */
export const GENERAL_MODEL_FOLDER = `${BUNDLED_FOLDER}/general`;

/** `--model DIR`, or the name of a bundled model. */
export function modelOption(folder = DEFAULT_MODEL_FOLDER): Option {
  return new Option('-m, --model <folder>', 'the model folder, or the name of a bundled model')
    .argParser(modelFolder)
    .default(folder);
}

/** The folder of a bundled model by its name; anything else is a folder itself. */
function modelFolder(text: string): string {
  const bundled = `${BUNDLED_FOLDER}/${text}`;
  return !existsSync(text) && /^[\w-]+$/u.test(text) && existsSync(bundled) ? bundled : text;
}

/** For `--help` of commands that write tables. */
export const EXACT_IDS =
  'In .csv and .tsv, ids and queries are written exactly as they came; titles and reasons that a\nspreadsheet would run ' +
  'as formulas get an apostrophe before them. In .jsonl all is exact.';

/** `--precision NAME` */
export function precisionOption(): Option {
  return new Option('--precision <name>', 'how matrices are kept (default: as they are stored)').choices(PRECISIONS);
}

/** `--precision NAME` of commands that train */
export function trainingPrecisionOption(): Option {
  return new Option(
    '--precision <name>',
    'mixed: matrix products of updates read 16-bit floats, sums and weights stay f32; pays on WebGPU only (default: f32)',
  ).choices(TRAINING_PRECISIONS);
}

/** `--backend NAME` */
export function backendOption(): Option {
  return new Option('--backend <name>', 'where to compute; auto takes a real GPU, else wasm')
    .choices(BACKEND_NAMES)
    .default('auto');
}

/** Parses a whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || text.trim() === '') {
      throw new InvalidArgumentError(`Expected a whole number of at least ${least}.`);
    }
    return value;
  };
}

/** Parses a number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

/** Parses a number from 0 to below 1. */
export function shareOrNone(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0) || value >= 1) throw new InvalidArgumentError('Expected a share, 0 to 1.');
  return value;
}

/** Parses a number of at least 0. */
export function notNegativeNumber(text: string): number {
  const value = Number(text);
  if (!(value >= 0) || !Number.isFinite(value) || text.trim() === '') {
    throw new InvalidArgumentError('Expected a number of at least 0.');
  }
  return value;
}
