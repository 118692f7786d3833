/**
 * Makes the threads of tfjs-wasm start in a bundled page. tfjs sends its threads the source of one of its own functions
 * at run time (`factory.toString()`) and starts them from a blob. In a bundle that source refers to a variable that the
 * minifier has renamed outside it, so every thread fails at once and tfjs waits for it forever.
 *
 * Here both scripts of a thread become files of the build, as tfjs ships them. Threads then start from the page's own
 * origin, which a policy without `blob:` allows, and only a page that uses threads fetches them.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

const RUNTIME = '../wasm-out/tfjs-backend-wasm-threaded-simd.js';
const THREAD = '../wasm-out/tfjs-backend-wasm-threaded-simd.worker.js';

/** The code in which tfjs makes a blob of a thread's script ... */
const THREAD_BLOB = /const response = wasmWorkerContents[^]*?return URL\.createObjectURL\(blob\);/u;
/** ... and one of the script that the thread loads first, for which a URL works as well. */
const RUNTIME_BLOB = /new Blob\(\[`var WasmBackendModuleThreadedSimd = `[^;]*(?=;)/u;

/** Rewrites tfjs-wasm in builds. */
export function tfjsThreads(): Plugin {
  return {
    name: 'tfjs-threads',
    apply: 'build',
    transform: {
      filter: { id: /tfjs-backend-wasm\/dist\/backend_wasm\.js$/u },
      async handler(code, id) {
        const read = (path: string): Promise<string> => readFile(join(dirname(id), path), 'utf8');
        const emit = (name: string, source: string): string =>
          `import.meta.ROLLUP_FILE_URL_${this.emitFile({ type: 'asset', name, source })}`;
        // The runtime ends with CommonJS exports, which a thread lacks; the thread's script is in a template string.
        const runtime = part(await read(RUNTIME), /^[^]*?(?=if \(typeof exports === 'object')/u);
        const thread = part(await read(THREAD), /(?<=`)[^`]*(?=`)/u);
        return code
          .replace(part(code, THREAD_BLOB), `return ${emit('tfjs-thread.js', thread)};`)
          .replace(part(code, RUNTIME_BLOB), emit('tfjs-thread-runtime.js', runtime));
      },
    },
  };
}

/**
 * The part of a tfjs file that matches a pattern; without a match this plugin needs an update for that tfjs version.
 */
function part(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[0];
  if (found === undefined)
    throw new Error(`tfjs-threads-plugin: this tfjs-backend-wasm has nothing like ${pattern.source}.`);
  return found;
}
