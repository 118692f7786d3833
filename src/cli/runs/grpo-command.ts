/**
 * `lab grpo`: trains a model further by reinforcement and expert samples; resumable, with a model folder at the end.
 */
import { Command, Option } from 'commander';
import type { GrpoOptions } from './grpo-action.ts';
import { rulesOption } from '../instruction-files.ts';
import { backendOption } from '../options.ts';
import { addReadingOptions, dataOption } from '../pair-files.ts';
import { GRPO_OPTIONS } from './run-options.ts';

/** The bundled model of the demonstration. */
const DEFAULT_START = 'public/models/lab-nano-start';

export function grpoCommand(): Command {
  const command = new Command('grpo')
    .requiredOption('-o, --out <folder>', 'the folder of the run: checkpoint, steps and, at the end, the model folder')
    .option('--start <folder>', 'the model folder to start from', DEFAULT_START)
    .option('--config <file>', 'all settings as JSON; options override it')
    .addOption(
      dataOption(
        "judged pairs to learn from instead of the rule world: those of the start's training; also with --resume",
      ),
    )
    .addOption(rulesOption())
    .addOption(backendOption())
    .option('--record <file>', 'record which rule decides each held-out pair over time, for playback in the page')
    .addOption(new Option('--force', 'replace an existing file at --record'))
    .option(
      '--resume',
      'continue from the checkpoint in --out; the run keeps its settings, but may be given more --steps',
    );
  return GRPO_OPTIONS.addTo(addReadingOptions(command))
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- grpo --lambda 0 --reward plausible --tail-weight 0.1 --out runs/collapse
  npm run lab -- grpo --curriculum staged --out runs/staged
  npm run lab -- grpo --set grpo.loss.kind=dapo --set grpo.dropSilentGroups=yes --out runs/dapo
  npm run lab -- grpo --config my-run.json --out runs/mine --record mine.json
  npm run lab -- grpo --start runs/reasons/model --data pairs.tsv --out runs/reinforced
  npm run lab -- grpo --out runs/mine --resume`,
    )
    .action(async (options: GrpoOptions) =>
      (await import('./grpo-action.ts')).runGrpo(options, GRPO_OPTIONS.explicitIn(command)),
    );
}
