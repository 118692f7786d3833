/**
 * Loaded before a command (`node --import`): counts what it does to files, and has the process end by SIGKILL at one of
 * those operations: before it, in the middle of it (half of the bytes are written), or a moment after it. Kills at
 * random times mostly hit the start of a command, where nothing can be lost.
 *
 * `CRASH_AT` is the number of the operation, from 1; 0 for none. `CRASH_COUNT` names a file for how many there were.
 */
import fs from 'node:fs';
import promises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import process from 'node:process';

type Work = (...args: unknown[]) => Promise<unknown>;

const killAt = Number(process.env['CRASH_AT'] ?? 0);
const how = process.env['CRASH_HOW'] ?? 'before';
const delayMs = Number(process.env['CRASH_DELAY_MS'] ?? 0);
const countPath = process.env['CRASH_COUNT'];
let count = 0;

function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Half of what is to be written, if it is known beforehand. */
function halfOf(data: unknown): string | Uint8Array | undefined {
  if (typeof data === 'string') return data.slice(0, data.length >> 1);
  return data instanceof Uint8Array ? data.subarray(0, data.length >> 1) : undefined;
}

function watched(work: Work, tear?: (args: readonly unknown[], half: string | Uint8Array) => void): Work {
  return async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    count += 1;
    if (count !== killAt) return work.apply(this, args);
    if (how === 'torn' && tear !== undefined) {
      const half = halfOf(args.find((arg) => halfOf(arg) !== undefined && arg !== args[0]) ?? args[1]);
      if (half !== undefined) tear.call(this, args, half);
    }
    if (how !== 'after') end();
    const result = await work.apply(this, args);
    if (delayMs === 0) end();
    setTimeout(end, delayMs);
    return result;
  };
}

/** Replaces a method by a watched one. */
function watch(
  holder: object,
  name: string,
  tear?: (args: readonly unknown[], half: string | Uint8Array) => void,
): void {
  const work = Reflect.get(holder, name) as Work;
  Reflect.set(holder, name, watched(work, tear));
}

const tearFile = (flag: string) => (args: readonly unknown[], half: string | Uint8Array) => {
  if (typeof args[0] === 'string') fs.writeFileSync(args[0], half, { flag });
};

watch(promises, 'writeFile', tearFile('w'));
watch(promises, 'appendFile', tearFile('a'));
for (const name of ['rename', 'rm', 'truncate', 'mkdir', 'unlink', 'copyFile']) watch(promises, name);

const open = promises.open.bind(promises);
let isHandleWatched = false;
Reflect.set(promises, 'open', async (...args: Parameters<typeof open>): Promise<FileHandle> => {
  const handle = await open(...args);
  if (!isHandleWatched) {
    isHandleWatched = true;
    const prototype = Object.getPrototypeOf(handle) as object;
    const tear = function (this: FileHandle, [data]: readonly unknown[]): void {
      const half = halfOf(data);
      if (half !== undefined) fs.writeSync(this.fd, half as string);
    };
    watch(prototype, 'appendFile', tear);
    for (const name of ['sync', 'truncate']) watch(prototype, name);
  }
  return handle;
});
syncBuiltinESMExports();

if (countPath !== undefined) process.on('exit', () => fs.writeFileSync(countPath, String(count)));
