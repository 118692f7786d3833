/**
 * The command line as a process: the same engine as the page, in Node.
 */
import process from 'node:process';
import { runCli } from './run-cli.ts';
import { isErrno } from './system-errors.ts';

// Whoever reads the output may have seen enough, such as "head".
process.stdout.on('error', (error) => process.exit(isErrno(error, 'EPIPE') ? 0 : 1));

const code = await runCli(process.argv.slice(2));
process.exit(code); // Dawn keeps the process alive otherwise
