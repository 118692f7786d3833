/**
 * Compiles the WebAssembly kernels (`npm run build:kernels`): `src/kernels/assembly/*.ts` to `src/gpu/wasm-binary.ts`.
 *
 * The result is committed, so that neither the page, nor the command line, nor a test needs the compiler; a test
 * compiles it again and compares. AssemblyScript was chosen because it is typed, reads as TypeScript, gives every SIMD
 * instruction by name, and without its runtime leaves no data in the memory that the kernels share with tfjs.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { compileKernels } from './compile-kernels.ts';

const GOAL = fileURLToPath(new URL('../src/gpu/wasm-binary.ts', import.meta.url));

await writeFile(GOAL, await compileKernels());
