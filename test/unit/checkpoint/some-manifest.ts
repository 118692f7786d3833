/** A valid manifest of a payload of eight zeros, for tests to modify. */
import type { Manifest } from '../../../src/checkpoint/manifest.ts';

export function someManifest(change: Partial<Manifest> = {}): Manifest {
  return {
    id: 'abc-1',
    name: 'nano step 250',
    note: '',
    kind: 'sft',
    isAutomatic: true,
    runId: 'run-1',
    parentId: null,
    modelName: 'nano',
    worldHash: '3fa90c11',
    step: 250,
    configJson: '{}',
    createdAt: 1_700_000_000_000,
    sizeBytes: 8,
    chunks: [{ sizeBytes: 8, sha256: 'af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc' }],
    ...change,
  };
}
