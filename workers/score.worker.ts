/** The thread that answers: exposes the scoring service, and knows where the build put tfjs's WebAssembly files. */
import { expose } from 'comlink';
// The self-check computes gradients too, and the gradients of tfjs's own ops come with none of its backends.
import './tfjs-gradients.ts';
import threadedSimdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import simdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import plainUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import { DECODER_CHECK } from '../src/runs/decoder-check.ts';
import { findDisagreement } from '../src/gpu/self-check.ts';
import { ScoringService } from '../src/infer/scoring-service.ts';

expose(
  new ScoringService({
    wasmPaths: {
      'tfjs-backend-wasm-threaded-simd.wasm': threadedSimdUrl,
      'tfjs-backend-wasm-simd.wasm': simdUrl,
      'tfjs-backend-wasm.wasm': plainUrl,
    },
    findFault: () => findDisagreement(DECODER_CHECK),
  }),
);
