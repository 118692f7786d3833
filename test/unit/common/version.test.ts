/** The version that proofs name is that of the package. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LAB_VERSION } from '../../../src/common/version.ts';

it('is the version of package.json', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(LAB_VERSION).toBe(version);
});
