/** The text of `src/gpu/wasm-binary.ts`. */
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

const SOURCE = fileURLToPath(new URL('../src/kernels/assembly/', import.meta.url));

/** No runtime and no checks, since nothing is allocated; memory comes from tfjs. 65536 pages are all 4 GiB. */
const OPTIONS =
  '--runtime stub --noAssert --optimizeLevel 3 --enable simd,threads --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536';

/** Compiles the kernels. @throws {Error} with the compiler's messages */
export async function compileKernels(): Promise<string> {
  let binary: Uint8Array | undefined;
  const messages: string[] = [];
  const { error } = await main(['index.ts', '--baseDir', SOURCE, '--outFile', 'kernels.wasm', ...OPTIONS.split(' ')], {
    writeFile: (_name, contents) => {
      if (typeof contents !== 'string') binary = contents;
    },
    stderr: { write: (text) => messages.push(String(text)) },
  });
  if (error !== null || binary === undefined) throw new Error(messages.join(''));
  return `/** Compiled from kernels/assembly by \`npm run build:kernels\`; not edited by hand. */
export const KERNELS_BASE64 =
  '${Buffer.from(binary).toString('base64')}';
`;
}
