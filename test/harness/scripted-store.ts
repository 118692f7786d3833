/**
 * A checkpoint thread with invented checkpoints; renaming, annotating and deleting really change them.
 */
import { LabError } from '../../src/common/errors.ts';
import type { Checkpoint, CheckpointOverview } from '../../src/protocol/checkpoints.ts';
import type { CheckpointClient } from '../../src/ui/parts/sessions/checkpoint-client.ts';

/**
 * `empty` before the first run; `kept` after several runs; `offers` with interrupted runs; `broken` without a database.
 */
export const STORE_SCENES = ['empty', 'kept', 'offers', 'broken'] as const;
export type StoreScene = (typeof STORE_SCENES)[number];

const CONFIG = JSON.stringify({ name: 'first-model', preset: 'lab-nano', sft: { steps: 500 } });
const BEGAN = Date.UTC(2026, 10, 24, 7, 21);

function checkpoint(id: string, step: number, more: Partial<Checkpoint> = {}): Checkpoint {
  return {
    id,
    name: `first-model, step ${step}`,
    note: '',
    kind: 'sft',
    isAutomatic: true,
    runId: 'run-1',
    parentId: null,
    modelName: 'first-model',
    worldHash: '6315f8f7',
    step,
    configJson: CONFIG,
    createdAt: BEGAN + step * 214,
    sizeBytes: 1_640_000,
    ...more,
  };
}

const KEPT: readonly Checkpoint[] = [
  checkpoint('c500', 500, { parentId: 'c450' }),
  checkpoint('c450', 450, { parentId: 'gone' }),
  checkpoint('best', 300, {
    name: 'best without hints',
    note: 'Rare rules are still weak. Compare with label noise 0.1.',
    isAutomatic: false,
    worldHash: '41d09a2e',
  }),
];

const OFFERS: CheckpointOverview['runs'] = [
  {
    id: 'run-1',
    name: 'first-model',
    kind: 'sft',
    configJson: CONFIG,
    totalSteps: 500,
    startedAt: BEGAN,
    state: 'interrupted',
    lastCheckpoint: { id: 'c450', step: 450 },
  },
  {
    id: 'run-2',
    name: 'noisy',
    kind: 'sft',
    configJson: CONFIG,
    totalSteps: 2000,
    startedAt: BEGAN,
    state: 'alive',
    lastCheckpoint: null,
  },
];

/** A checkpoint store in one of its states. */
export function openScriptedStore(scene: StoreScene): CheckpointClient {
  let checkpoints: readonly Checkpoint[] = scene === 'empty' ? [] : KEPT;
  let runs = scene === 'offers' ? OFFERS : [];
  const change = async (id: string, changes: Partial<Checkpoint>): Promise<void> => {
    checkpoints = checkpoints.map((kept) => (kept.id === id ? { ...kept, ...changes, isAutomatic: false } : kept));
    await Promise.resolve();
  };
  return {
    overview: () => {
      if (scene === 'broken') {
        const message = 'The browser keeps no checkpoints for this page: The user denied permission.';
        const fix = 'Allow this page to store data, leave private browsing, or free disk space, and reload.';
        return Promise.reject(new LabError('internal', { message, fix }));
      }
      return Promise.resolve({
        checkpoints: [...checkpoints],
        damaged:
          scene === 'kept' ? [{ what: 'checkpoint', id: 'd', problem: 'step: Invalid type: Expected number' }] : [],
        runs: [...runs],
        space: { usedBytes: 4_920_000, quotaBytes: 2_147_000_000, isPersistent: scene === 'offers' },
      });
    },
    rename: (id, name) => {
      if (checkpoints.every((kept) => kept.id === id || kept.name !== name)) return change(id, { name });
      const message = `There is already a checkpoint named "${name}".`;
      return Promise.reject(new LabError('bad-config', { message, fix: 'Choose another name.' }));
    },
    annotate: (id, note) => change(id, { note }),
    remove: async (id) => {
      checkpoints = checkpoints.filter((kept) => kept.id !== id);
      await Promise.resolve();
    },
    exportFile: (id) => Promise.resolve({ fileName: `${id}.afrl-checkpoint`, file: new Blob(['a checkpoint']) }),
    importFile: () =>
      Promise.reject(new LabError('bad-file', { message: 'The checkpoint file cannot be used: it is too short.' })),
    importModel: async (files) => {
      checkpoints = [checkpoint('model', 0, { name: files[0]?.path ?? 'model', kind: 'model' }), ...checkpoints];
      return Promise.resolve('model');
    },
    forgetRun: async (runId) => {
      runs = runs.filter(({ id }) => id !== runId);
      await Promise.resolve();
    },
    record: () => Promise.resolve(null),
    dropRecord: () => Promise.resolve(),
    model: (id) => Promise.resolve({ name: checkpoints.find((kept) => kept.id === id)?.name ?? id, files: {} }),
    close: () => undefined,
  };
}
