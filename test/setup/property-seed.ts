/**
 * Property tests draw the same examples in every run, so that a suite that passed once passes again.
 * `PROPERTY_SEED=7 npm test` draws others; a failure prints the seed and the path that repeat it.
 */
import process from 'node:process';
import fc from 'fast-check';
import { inject } from 'vitest';

const DEFAULT_SEED = 1;
const seed = Number(process.env['PROPERTY_SEED'] ?? DEFAULT_SEED);
if (!Number.isInteger(seed))
  throw new Error(`PROPERTY_SEED must be a whole number, not ${process.env['PROPERTY_SEED']}.`);
fc.configureGlobal({ seed, numRuns: inject('isWhole') ? 500 : 50 });
