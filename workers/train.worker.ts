/** The thread that learns, for single runs, with the checkpoint store of this origin. */
import { expose } from 'comlink';
// The gradients of tfjs's own ops, which come with none of its backends.
import './tfjs-gradients.ts';
import { openCheckpointStore } from '../src/checkpoint/store.ts';
import { SessionService } from '../src/sessions/session-service.ts';
import { WASM_PATHS } from './wasm-paths.ts';

expose(new SessionService({ wasmPaths: WASM_PATHS, openStore: openCheckpointStore }));
