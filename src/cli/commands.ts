/**
 * The commands by name. Each is loaded on demand, because most of them load the engine, which the list of commands and
 * a mistyped name do not need.
 *
 * Room `cli/`: one file a command, and what commands share on disk and terminal. What the page also does belongs in
 * `runs/`; commands that run studies in `cli/studies/`.
 */
import type { Command } from 'commander';

/** A command that may not be loaded yet. */
export interface LazyCommand {
  readonly name: string;
  /** Shown in the list of commands. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** In the order of the list. */
export const COMMANDS: readonly LazyCommand[] = [
  {
    name: 'answer',
    summary: 'judge one query-document pair: the label at once, then the reasoning',
    load: async () => (await import('./answer-command.ts')).answerCommand(),
  },
  {
    name: 'score',
    summary: 'judge every query-document pair of a file',
    load: async () => (await import('./score-command.ts')).scoreCommand(),
  },
  {
    name: 'verify',
    summary: 'check a proof of scores, by scoring a sample or all again',
    load: async () => (await import('./verify-command.ts')).verifyCommand(),
  },
  {
    name: 'serve',
    summary: 'answer other programs of this machine: POST /rerank and POST /score',
    load: async () => (await import('./serve-command.ts')).serveCommand(),
  },
  {
    name: 'world',
    summary: 'show the rule world, or write its judged pairs to a file',
    load: async () => (await import('./world-command.ts')).worldCommand(),
  },
  {
    name: 'tokenizer',
    summary: 'train a byte-level BPE tokenizer on the rule world or on a text file',
    load: async () => (await import('./tokenizer-command.ts')).tokenizerCommand(),
  },
  {
    name: 'sft',
    summary: 'train a model by supervised fine-tuning, on the rule world or on a file of judged pairs',
    load: async () => (await import('./sft-command.ts')).sftCommand(),
  },
  {
    name: 'eval',
    summary: 'measure a model on held-out pairs of what it was trained on',
    load: async () => (await import('./eval-command.ts')).evalCommand(),
  },
  {
    name: 'grpo',
    summary: 'train a model on by Stepwise-GRPO with mode balance',
    load: async () => (await import('./grpo-command.ts')).grpoCommand(),
  },
  {
    name: 'distill',
    summary: 'train a small model (student) on what a larger one (teacher) says',
    load: async () => (await import('./distill-command.ts')).distillCommand(),
  },
  {
    name: 'runs',
    summary: 'list the runs in a folder, with what sets them apart and how far they came',
    load: async () => (await import('./runs-command.ts')).runsCommand(),
  },
  {
    name: 'compare',
    summary: 'compare runs: what differs in their settings, means over seeds, differences seed by seed',
    load: async () => (await import('./runs-command.ts')).compareCommand(),
  },
  {
    name: 'sweep',
    summary: 'make runs with every combination of some settings and with several seeds, and compare them',
    load: async () => (await import('./sweep-command.ts')).sweepCommand(),
  },
  {
    name: 'mine',
    summary: 'find the judged pairs that a trained model finds hard',
    load: async () => (await import('./mine-command.ts')).mineCommand(),
  },
  {
    name: 'export',
    summary: 'a model as one file that the page imports, or a checkpoint of the page as a model folder',
    load: async () => (await import('./export-command.ts')).exportCommand(),
  },
  {
    name: 'quantise',
    summary: 'write a copy of a model with its matrices in 8 or 4 bits, and say how far it agrees',
    load: async () => (await import('./quantise-command.ts')).quantiseCommand(),
  },
  {
    name: 'agreement',
    summary: 'what compression costs models: answers as f16, int8 and int4 beside those in float32',
    load: async () => (await import('./quantise-command.ts')).agreementCommand(),
  },
  {
    name: 'piar',
    summary: 'refine an instruction on judged pairs: predict, identify errors, analyse, refine',
    load: async () => (await import('./piar-command.ts')).piarCommand(),
  },
  {
    name: 'experiment',
    summary: 'run an experiment of the lab: every arm with every seed, and what the differences say',
    load: async () => (await import('./studies/experiment-command.ts')).experimentCommand(),
  },
  {
    name: 'piar-experiment',
    summary: 'E9: does a refined instruction hold on queries it never saw?',
    load: async () => (await import('./studies/piar-experiment-command.ts')).piarExperimentCommand(),
  },
  {
    name: 'recipe',
    summary: 'learn from real judgments end to end, and report beside BM25',
    load: async () => (await import('./studies/recipe-command.ts')).recipeCommand(),
  },
  {
    name: 'report',
    summary: 'print the table of an experiment, and write its table and plot beside the results file',
    load: async () => (await import('./studies/report-command.ts')).reportCommand(),
  },
];
