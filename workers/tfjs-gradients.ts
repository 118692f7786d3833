/**
 * The gradients of tfjs's own ops. One of them is registered twice, in which case tfjs reads a flag that the core
 * defines, so the core must be imported first; unbundled modules are evaluated in the order written here.
 */
import '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
