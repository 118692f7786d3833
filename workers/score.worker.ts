/** The worker that answers. */
// The self-check computes gradients as well, and none of tfjs's backends include the gradients of its own ops.
import './tfjs-gradients.ts';
import { choicesInBrowser } from '../src/gpu/choices-in-browser.ts';
import { keepVariantChoices } from '../src/gpu/kept-choices.ts';
import { findDisagreement } from '../src/gpu/self-check.ts';
import { ScoringService } from '../src/infer/scoring-service.ts';
import { DECODER_CHECK } from '../src/runs/decoder-check.ts';
import { WASM_PATHS } from './wasm-paths.ts';
import { serve } from './serve.ts';

keepVariantChoices(choicesInBrowser());
serve(new ScoringService({ wasmPaths: WASM_PATHS, findFault: () => findDisagreement(DECODER_CHECK) }));
