/**
 * `npm run lab`: starts the command line and forwards its standard error without Dawn's warnings. Plain JavaScript, so
 * that nothing is compiled before the command itself.
 */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { withoutDawnWarnings } from './without-dawn-warnings.js';

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main, ...process.argv.slice(2)], {
  stdio: ['inherit', 'inherit', 'pipe'],
  env: { ...process.env, AFRL_TERMINAL: process.stderr.isTTY ? '1' : '' },
});
const errors = withoutDawnWarnings((text) => process.stderr.write(text));
child.stderr.setEncoding('utf8');
child.stderr.on('data', errors.push);
// At Ctrl-C the terminal signals the command as well; it treats the two signals as one.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
  process.on(signal, () => child.kill(signal));
// A terminated npm does not pass the signal on; its child notices that it has another parent now.
const parent = process.ppid;
const watch = setInterval(() => {
  if (process.ppid !== parent) child.kill('SIGTERM');
}, 1000);
child.on('close', (code) => {
  clearInterval(watch);
  errors.end();
  // A process ended by a signal has no exit code.
  process.exitCode = code ?? 130;
});
