/** The thread that judges files of pairs, with the store of this origin. */
// The self-check computes gradients too, and the gradients of tfjs's own ops come with none of its backends.
import './tfjs-gradients.ts';
import { openCheckpointStore } from '../src/checkpoint/store.ts';
import { choicesInBrowser } from '../src/gpu/choices-in-browser.ts';
import { keepVariantChoices } from '../src/gpu/kept-choices.ts';
import { findDisagreement } from '../src/gpu/self-check.ts';
import { DECODER_CHECK } from '../src/runs/decoder-check.ts';
import { FilesService } from '../src/sessions/files/files-service.ts';
import { WASM_PATHS } from './wasm-paths.ts';
import { serve } from './serve.ts';

keepVariantChoices(choicesInBrowser());
serve(
  new FilesService({
    wasmPaths: WASM_PATHS,
    findFault: () => findDisagreement(DECODER_CHECK),
    openStore: openCheckpointStore,
  }),
);
