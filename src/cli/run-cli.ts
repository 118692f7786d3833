/**
 * The command line as a function from arguments to an exit code.
 *
 * Exit codes: 0 done, 1 failed, 2 unusable command or input, 130 interrupted by the user.
 */
import process from 'node:process';
import { Command, CommanderError } from 'commander';
import { LabError, type LabErrorCode, messageOf } from '../common/errors.ts';
import { COMMANDS } from './commands.ts';
import { interruptible } from './interruption.ts';
import { systemError } from './system-errors.ts';
import { note, raw, type Streams, withStreams } from './terminal.ts';

/** Where a command prints, and how it can be interrupted. */
export interface CliRun extends Streams {
  /** Interrupts the command as Ctrl-C does. */
  readonly signal?: AbortSignal;
}

/** If set, errors are printed with their stack. */
const DEBUG = 'AFRL_DEBUG';

const BAD_INPUT: ReadonlySet<LabErrorCode> = new Set([
  'bad-checkpoint',
  'bad-config',
  'bad-file',
  'bad-instruction',
  'bad-shape',
  'bad-tokenizer',
  'not-found',
]);

/**
 * Runs one command. Never throws: errors are printed.
 *
 * @param args - without the names of program and script
 * @returns the exit code
 */
export async function runCli(args: readonly string[], { signal, ...streams }: Partial<CliRun> = {}): Promise<number> {
  return withStreams(streams, () =>
    interruptible(signal, async () => {
      try {
        const program = await makeProgram(args);
        await program.parseAsync(args, { from: 'user' });
        return 0;
      } catch (error) {
        return exitCodeOf(error);
      }
    }),
  );
}

/** The program with the requested command loaded and all others by name. */
async function makeProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('npm run lab --')
    .description('AFRL Lab: small relevance models that answer first and reason later')
    .addHelpText(
      'after',
      `
Commands replace nothing by default: an existing file needs --force, an existing run --resume or another name.
Exit codes: 0 done, 1 failed, 2 unusable command or input, 130 stopped. With ${DEBUG}=1 errors show their stack.

Examples:
  npm run lab -- answer "zorvex kettle 1.5 l" "zorvex kettle red 1.5 l"
  npm run lab -- score pairs.tsv --out scored.csv
  npm run lab -- sft --preset lab-nano --steps 300 --out runs/first`,
    );
  const [first, ...more] = args.filter((arg) => !arg.startsWith('-'));
  const asked = first === 'help' ? more[0] : first;
  for (const { name, summary, load } of COMMANDS) {
    program.addCommand((name === asked ? await load() : new Command(name)).description(summary));
  }
  return configured(program);
}

/** A command and its subcommands, with errors thrown and texts printed through our streams. */
function configured(command: Command): Command {
  command
    .exitOverride()
    .showHelpAfterError('(--help lists the options)')
    .configureOutput({ writeOut: raw.out, writeErr: raw.err });
  for (const each of command.commands) configured(each);
  return command;
}

function exitCodeOf(thrown: unknown): number {
  // Commander has printed its own message.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  const error = systemError(thrown);
  note(`Error: ${messageOf(error)}`);
  const isDebugging = (process.env[DEBUG] ?? '') !== '';
  if (isDebugging && error instanceof Error && error.stack !== undefined) note(error.stack);
  if (!(error instanceof LabError)) {
    if (!isDebugging) note(`This is a bug in the lab; set ${DEBUG}=1 to see where.`);
    return 1;
  }
  if (error.code === 'aborted') return 130;
  return BAD_INPUT.has(error.code) ? 2 : 1;
}
