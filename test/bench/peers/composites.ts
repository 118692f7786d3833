/**
 * The work on the lab's path without its WebAssembly kernels: composites of tfjs's ops, as on a backend that has no
 * kernels. It tells what the kernels win.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError } from '../../../src/common/errors.ts';
import type { TrainingPrecision } from '../../../src/config/sft-config.ts';
import { hasWasmKernels, pauseWasmKernels } from '../../../src/gpu/wasm-calls.ts';
import type { NamedBackend } from '../backend-pair.ts';
import type { Work } from '../work.ts';
import { openOurs } from './ours.ts';
import type { Peer } from './peer.ts';

/** Loads a work into the lab's trainer. @throws {LabError} `bad-config` on another backend than wasm */
export async function openComposites(work: Work, backend: NamedBackend, precision?: TrainingPrecision): Promise<Peer> {
  await tf.setBackend(backend.name);
  if (!hasWasmKernels()) {
    throw new LabError('bad-config', { message: 'The peer "composites" is for wasm.', fix: 'Use "--backend wasm".' });
  }
  const paused = async <T>(work: () => Promise<T>): Promise<T> => {
    const resume = pauseWasmKernels();
    try {
      return await work();
    } finally {
      resume();
    }
  };
  const peer = await paused(() => openOurs(work, backend, precision));
  return { ...peer, name: 'composites', step: () => paused(() => peer.step()) };
}
