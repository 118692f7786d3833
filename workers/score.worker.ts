/** The thread that answers: exposes the scoring service, and knows where the build put tfjs's WebAssembly files. */
import { expose } from 'comlink';
import threadedSimdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import simdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import plainUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import { ScoringService } from '../src/infer/scoring-service.ts';

expose(
  new ScoringService({
    'tfjs-backend-wasm-threaded-simd.wasm': threadedSimdUrl,
    'tfjs-backend-wasm-simd.wasm': simdUrl,
    'tfjs-backend-wasm.wasm': plainUrl,
  }),
);
