/** The thread that runs reinforcement: exposes the service of demonstrations, with the checkpoint store of this origin. */
import { expose } from 'comlink';
// The gradients of tfjs's own ops, which come with none of its backends.
import './tfjs-gradients.ts';
import threadedSimdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import simdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import plainUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import { openCheckpointStore } from '../src/checkpoint/store.ts';
import { SessionService } from '../src/sessions/session-service.ts';

expose(
  new SessionService({
    wasmPaths: {
      'tfjs-backend-wasm-threaded-simd.wasm': threadedSimdUrl,
      'tfjs-backend-wasm-simd.wasm': simdUrl,
      'tfjs-backend-wasm.wasm': plainUrl,
    },
    openStore: openCheckpointStore,
  }).demonstrations,
);
