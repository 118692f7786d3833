/**
 * The command line as a process: the page's engine in Node.
 */
import process from 'node:process';
import { keepVariantChoices } from '../gpu/kept-choices.ts';
import { choicesInFile } from './choices-file.ts';
import { runCli } from './run-cli.ts';
import { isErrno } from './system-errors.ts';

// The reader of the output may close it early, as "head" does.
process.stdout.on('error', (error) => process.exit(isErrno(error, 'EPIPE') ? 0 : 1));

keepVariantChoices(choicesInFile());
const code = await runCli(process.argv.slice(2));
process.exit(code); // otherwise Dawn keeps the process alive
