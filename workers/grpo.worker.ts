/** The training worker for demonstrations, with the checkpoint store of this origin. */
// The gradients of tfjs's own ops, which none of its backends include.
import './tfjs-gradients.ts';
import { openCheckpointStore } from '../src/checkpoint/store.ts';
import { choicesInBrowser } from '../src/gpu/choices-in-browser.ts';
import { keepVariantChoices } from '../src/gpu/kept-choices.ts';
import { SessionService } from '../src/sessions/session-service.ts';
import { WASM_PATHS } from './wasm-paths.ts';
import { serve } from './serve.ts';

keepVariantChoices(choicesInBrowser());
serve(new SessionService({ wasmPaths: WASM_PATHS, openStore: openCheckpointStore }).demonstrations);
