/** The thread that answers. */
import { expose } from 'comlink';
// The self-check computes gradients too, and the gradients of tfjs's own ops come with none of its backends.
import './tfjs-gradients.ts';
import { findDisagreement } from '../src/gpu/self-check.ts';
import { ScoringService } from '../src/infer/scoring-service.ts';
import { DECODER_CHECK } from '../src/runs/decoder-check.ts';
import { WASM_PATHS } from './wasm-paths.ts';

expose(new ScoringService({ wasmPaths: WASM_PATHS, findFault: () => findDisagreement(DECODER_CHECK) }));
