/**
 * The commands by name. Each is loaded on demand, because most of them load the engine, which the list of commands and
 * a mistyped name do not need.
 *
 * Room `cli/`: commands on files of pairs (score, mine, piar), and what all commands share on disk and terminal.
 * Commands that train or list runs belong in `cli/runs/`, those about one model or the rule world in `cli/models/`,
 * those that run studies in `cli/studies/`; what the page also does belongs in `src/runs/`.
 */
import type { Command } from 'commander';

/** A command that may not be loaded yet. */
export interface LazyCommand {
  readonly name: string;
  /** Its description, in the list of commands and in its help. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** The commands, in the order of the list. */
export const COMMANDS: readonly LazyCommand[] = [
  {
    name: 'answer',
    summary: 'judge one query-document pair: the label at once, then the reasoning',
    load: async () => (await import('./models/answer-command.ts')).answerCommand(),
  },
  {
    name: 'inside',
    summary: 'look inside an answer: attention over the pair, the label by layer, the entropy of each token',
    load: async () => (await import('./models/inside-command.ts')).insideCommand(),
  },
  {
    name: 'score',
    summary: 'judge every query-document pair of a file',
    load: async () => (await import('./score/score-command.ts')).scoreCommand(),
  },
  {
    name: 'verify',
    summary: 'check a proof of scores, by scoring a sample or all again',
    load: async () => (await import('./score/verify-command.ts')).verifyCommand(),
  },
  {
    name: 'serve',
    summary: 'serve a model to other programs on this machine: POST /rerank and POST /score',
    load: async () => (await import('./models/serve-command.ts')).serveCommand(),
  },
  {
    name: 'world',
    summary: 'show the rule world, or write its judged pairs to a file',
    load: async () => (await import('./models/world-command.ts')).worldCommand(),
  },
  {
    name: 'tokenizer',
    summary: 'train a byte-level BPE tokenizer on the rule world or on a text file',
    load: async () => (await import('./models/tokenizer-command.ts')).tokenizerCommand(),
  },
  {
    name: 'sft',
    summary: 'train a model by supervised fine-tuning, on the rule world or on a file of judged pairs',
    load: async () => (await import('./runs/sft-command.ts')).sftCommand(),
  },
  {
    name: 'eval',
    summary: 'measure a model on held-out pairs of what it was trained on',
    load: async () => (await import('./models/eval-command.ts')).evalCommand(),
  },
  {
    name: 'grpo',
    summary: 'train a model further by Stepwise-GRPO with mode balance',
    load: async () => (await import('./runs/grpo-command.ts')).grpoCommand(),
  },
  {
    name: 'distill',
    summary: 'train a small model (the student) from a larger one (the teacher)',
    load: async () => (await import('./runs/distill-command.ts')).distillCommand(),
  },
  {
    name: 'runs',
    summary: 'list the runs in a folder, with their differing settings and their progress',
    load: async () => (await import('./runs/runs-command.ts')).runsCommand(),
  },
  {
    name: 'compare',
    summary: 'compare runs: what differs in their settings, means over seeds, differences seed by seed',
    load: async () => (await import('./runs/runs-command.ts')).compareCommand(),
  },
  {
    name: 'sweep',
    summary: 'make runs with every combination of some settings and with several seeds, and compare them',
    load: async () => (await import('./runs/sweep-command.ts')).sweepCommand(),
  },
  {
    name: 'mine',
    summary: 'find the judged pairs that a trained model finds hard',
    load: async () => (await import('./mine-command.ts')).mineCommand(),
  },
  {
    name: 'export',
    summary: 'convert a model between the command line and the page',
    load: async () => (await import('./models/export-command.ts')).exportCommand(),
  },
  {
    name: 'quantise',
    summary: 'write a copy of a model with its matrices in 8 or 4 bits, and measure how far the two agree',
    load: async () => (await import('./models/quantise-command.ts')).quantiseCommand(),
  },
  {
    name: 'agreement',
    summary: 'measure what compression costs: answers of models in f16, int8 and int4 beside those in float32',
    load: async () => (await import('./models/quantise-command.ts')).agreementCommand(),
  },
  {
    name: 'piar',
    summary: 'refine an instruction on judged pairs: predict, identify errors, analyse, refine',
    load: async () => (await import('./piar-command.ts')).piarCommand(),
  },
  {
    name: 'experiment',
    summary: 'run an experiment of the lab: every arm with every seed, and the findings',
    load: async () => (await import('./studies/experiment-command.ts')).experimentCommand(),
  },
  {
    name: 'piar-experiment',
    summary: 'E9: does a refined instruction hold on queries it never saw?',
    load: async () => (await import('./studies/piar-experiment-command.ts')).piarExperimentCommand(),
  },
  {
    name: 'recipe',
    summary: 'learn from real judgments end to end, and compare with BM25',
    load: async () => (await import('./studies/recipe-command.ts')).recipeCommand(),
  },
  {
    name: 'report',
    summary: 'write the report of a study from its results file, or of any runs',
    load: async () => (await import('./studies/report-command.ts')).reportCommand(),
  },
];
