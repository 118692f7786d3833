/**
 * The command line: the same engine as the page, in Node.
 *
 * Exit codes: 0 done, 1 something failed, 2 the command or its input is not usable, 130 stopped by the user.
 */
import process from 'node:process';
import { Command, CommanderError } from 'commander';
import { LabError, type LabErrorCode, messageOf } from '../common/errors.ts';
import { answerCommand } from './answer-command.ts';
import { distillCommand } from './distill-command.ts';
import { evalCommand } from './eval-command.ts';
import { experimentCommand } from './studies/experiment-command.ts';
import { grpoCommand } from './grpo-command.ts';
import { mineCommand } from './mine-command.ts';
import { piarCommand } from './piar-command.ts';
import { piarExperimentCommand } from './studies/piar-experiment-command.ts';
import { agreementCommand, quantiseCommand } from './quantise-command.ts';
import { recipeCommand } from './studies/recipe-command.ts';
import { reportCommand } from './studies/report-command.ts';
import { scoreCommand } from './score-command.ts';
import { sftCommand } from './sft-command.ts';
import { note } from './terminal.ts';
import { tokenizerCommand } from './tokenizer-command.ts';
import { worldCommand } from './world-command.ts';

const BAD_INPUT: ReadonlySet<LabErrorCode> = new Set([
  'bad-checkpoint',
  'bad-config',
  'bad-file',
  'bad-instruction',
  'bad-shape',
  'bad-tokenizer',
  'not-found',
]);

const program = new Command('npm run lab --')
  .description('AFRL Lab: small relevance models that answer first and reason later')
  .showHelpAfterError('(--help shows what is possible)')
  .addHelpText(
    'after',
    `
Examples:
  npm run lab -- answer "zorvex kettle 1.5 l" "zorvex kettle red 1.5 l"
  npm run lab -- score pairs.tsv --out scored.csv
  npm run lab -- sft --preset lab-nano --steps 300 --out runs/first`,
  );
for (const command of [
  answerCommand(),
  scoreCommand(),
  worldCommand(),
  tokenizerCommand(),
  sftCommand(),
  evalCommand(),
  grpoCommand(),
  distillCommand(),
  mineCommand(),
  experimentCommand(),
  reportCommand(),
  piarCommand(),
  piarExperimentCommand(),
  recipeCommand(),
  quantiseCommand(),
  agreementCommand(),
]) {
  program.addCommand(command.exitOverride().showHelpAfterError('(--help shows what is possible)'));
}

try {
  await program.exitOverride().parseAsync(process.argv);
  process.exit(0); // Dawn keeps the process alive otherwise
} catch (error) {
  process.exit(exitCodeOf(error));
}

function exitCodeOf(error: unknown): number {
  // Commander has printed its own message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  note(`Error: ${messageOf(error)}`);
  if (!(error instanceof LabError)) {
    if (error instanceof Error && error.stack !== undefined) note(error.stack);
    return 1;
  }
  if (error.code === 'aborted') return 130;
  return BAD_INPUT.has(error.code) ? 2 : 1;
}
