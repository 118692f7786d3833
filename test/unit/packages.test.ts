/** The packages of the lock file: licences that allow what the lab does, contents that cannot be exchanged. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface LockedPackage {
  readonly license?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Readonly<Record<string, LockedPackage>>;
};
const LOCKED = Object.entries(packages).filter(([path]) => path !== '');

/** What may be shipped with a program under Apache-2.0; MPL-2.0 asks only for changes to its own files. */
const ALLOWED = new Set(
  'MIT ISC 0BSD BSD-2-Clause BSD-3-Clause Apache-2.0 BlueOak-1.0.0 OFL-1.1 MPL-2.0 Zlib CC0-1.0 CC-BY-4.0'.split(' '),
);
/** Packages that may run a script when they are installed; none of them is in the page. */
const SCRIPTED = ['core-js', 'esbuild', 'webgpu'];

describe('packages', () => {
  it('have licences that allow to ship them', () => {
    const others = LOCKED.filter(([, { license = 'none' }]) => {
      const choices = license.replaceAll(/[()]/gu, '').split(' OR ');
      return !choices.some((choice) => choice.split(' AND ').every((one) => ALLOWED.has(one)));
    });
    expect(others.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
    expect(LOCKED.length).toBeGreaterThan(100);
  });

  it('are those whose hash is in the lock file, but for builds of tools for other systems', () => {
    // npm leaves out the hashes of optional packages that were not installed where the lock file was written.
    const open = LOCKED.filter(
      ([, { integrity, dev, optional }]) => integrity === undefined && !(dev === true && optional === true),
    );
    expect(open.map(([path]) => path)).toEqual([]);
  });

  it('run a script at their installation only where it is known', () => {
    const scripted = LOCKED.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    expect(scripted.map(([path]) => path.replace('node_modules/', ''))).toEqual(SCRIPTED);
  });
});
