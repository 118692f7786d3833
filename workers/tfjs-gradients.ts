/**
 * The gradients of tfjs's own ops. One of them is registered twice, and then tfjs looks at a flag: the core, which defines
 * it, has to come first, and unbundled modules come in the order in which they are written here.
 */
import '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
