/** The worker that measures this device. */
// The self-check computes gradients, and none of tfjs's backends include the gradients of its own ops.
import './tfjs-gradients.ts';
import { DeviceService } from '../src/device/device-service.ts';
import { choicesInBrowser } from '../src/gpu/choices-in-browser.ts';
import { keepVariantChoices } from '../src/gpu/kept-choices.ts';
import { findDisagreement } from '../src/gpu/self-check.ts';
import { DECODER_CHECK } from '../src/runs/decoder-check.ts';
import { WASM_PATHS } from './wasm-paths.ts';
import { serve } from './serve.ts';

keepVariantChoices(choicesInBrowser());
serve(new DeviceService({ wasmPaths: WASM_PATHS, findFault: () => findDisagreement(DECODER_CHECK) }));
