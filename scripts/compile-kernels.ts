/** The text of `src/gpu/wasm-binary.ts`. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SOURCE = fileURLToPath(new URL('../src/kernels/assembly/index.ts', import.meta.url));

/** No runtime and no checks, since nothing is allocated; memory comes from tfjs. 65536 pages are all 4 GiB. */
const OPTIONS =
  '--runtime stub --noAssert --optimizeLevel 3 --enable simd,threads --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536';

/**
 * Compiles the kernels. The compiler is another process, because its types would change those of strings and arrays
 * for the whole project.
 *
 * @throws {Error} with the compiler's messages
 */
export async function compileKernels(): Promise<string> {
  const compiler = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');
  const folder = await mkdtemp(join(tmpdir(), 'kernels-'));
  try {
    const goal = join(folder, 'kernels.wasm');
    await promisify(execFile)(process.execPath, [compiler, SOURCE, '--outFile', goal, ...OPTIONS.split(' ')]);
    return `/** Compiled from kernels/assembly by \`npm run build:kernels\`; not edited by hand. */
export const KERNELS_BASE64 =
  '${(await readFile(goal)).toString('base64')}';
`;
  } finally {
    await rm(folder, { recursive: true });
  }
}
