/**
 * `lab grpo`: trains a model further by reinforcement and expert samples; resumable, with a model folder at the end.
 */
import { Command, Option } from 'commander';
import type { GrpoOptions } from './grpo-action.ts';
import { rulesOption, taskOption } from '../instruction-files.ts';
import { backendOption } from '../options.ts';
import { addReadingOptions, dataOption } from '../pair-files.ts';
import { GRPO_OPTIONS } from './run-options.ts';
import { addWatchOptions } from './run-watcher.ts';

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
    .addOption(taskOption())
    .addOption(backendOption())
    .option(
      '--reward-module <file>',
      'a JavaScript module that rewards the reasoning of completions; also with --resume',
    )
    .option('--record <file>', 'record which rule decides each held-out pair over time, for playback in the page')
    .addOption(new Option('--force', 'replace an existing file at --record'))
    .option(
      '--resume',
      'continue from the checkpoint in --out; the run keeps its settings, but may be given more --steps',
    );
  return GRPO_OPTIONS.addTo(addWatchOptions(addReadingOptions(command)))
    .addHelpText(
      'after',
      `
A reward module is one file whose default export is a function, called with each completion: { pair, text, tokens, isValid,
label, steps: [{ rule, criterion, evidence, verdict }], goldRules }. It returns a number from 0 to 1, which takes the place
of the reward of the reasoning; the label keeps its share (--set reward.labelShare=0 leaves it none), and a completion
that is not valid gets 0 whatever is returned. The module runs in a process of its own, which Node keeps from reading and
writing files, from starting processes and threads, and from the environment; Math.random throws, because the run could
not be repeated. That guards against mistakes. It is no sandbox: the network stays open, and Node does not claim to hold
hostile code. Run only modules that you would run anyway. The run records the SHA-256 of the module and resumes with no
other. In the page, reward.own has weights of the rewards there are, and bonuses by rule, step count and length.

Examples:
  npm run lab -- grpo --reward-module my-reward.mjs --out runs/own
  npm run lab -- grpo --set reward.own=yes --set reward.own.plausible=0.5 --set reward.own.tokenBonus=-0.01 --out runs/short
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
