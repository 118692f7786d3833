/**
 * Which settings of runs and of the rule world have flags of their own; `--set` reaches the others.
 */
import { DistillExperimentSchema } from '../../protocol/distill-experiment.ts';
import { GrpoExperimentSchema } from '../../protocol/grpo-experiment.ts';
import { SftExperimentSchema } from '../../protocol/sft-experiment.ts';
import { ruleWorldConfigSchema } from '../../relevance/world/rule-world.ts';
import { SettingOptions } from '../setting-options.ts';

export const SFT_OPTIONS = new SettingOptions(SftExperimentSchema, [
  ['--name <name>', 'name'],
  ['--preset <name>', 'preset'],
  ['--steps <n>', 'sft.steps'],
  ['--batch <n>', 'sft.batchSize'],
  ['--accumulation <n>', 'sft.accumulation'],
  ['--lr <x>', 'sft.learningRate'],
  ['--label-weight <x>', 'sft.labelWeight'],
  ['--precision <name>', 'sft.precision'],
  ['--seed <n>', 'sft.seed'],
  ['--world-seed <n>', 'data.seed'],
  ['--train-queries <n>', 'data.trainQueries'],
  ['--scale <n>', 'prompt.scaleSize', { help: 'how many labels the grades of --data have, as they show unless given' }],
  ['--dev-share <x>', 'data.devShare'],
  ['--test-share <x>', 'data.testShare'],
  ['--split-seed <n>', 'data.splitSeed'],
  ['--no-hints', 'prompt.hints', { help: 'prompts without hint tokens' }],
  ['--standing', 'prompt.standing'],
]);

export const GRPO_OPTIONS = new SettingOptions(GrpoExperimentSchema, [
  ['--steps <n>', 'grpo.steps'],
  ['--lambda <x>', 'grpo.balance.lambda', { with: ['grpo.balance.kind', 'additive'] }],
  ['--reward <kind>', 'reward.kind'],
  ['--tail-weight <x>', 'grpo.tailPromptWeight'],
  ['--curriculum <kind>', 'grpo.curriculum.kind'],
  ['--decoding <kind>', 'grpo.decoding'],
  ['--precision <name>', 'grpo.precision'],
  ['--seed <n>', 'grpo.seed'],
]);

export const DISTILL_OPTIONS = new SettingOptions(DistillExperimentSchema, [
  ['--name <name>', 'name'],
  ['--preset <name>', 'student.preset'],
  ['--temperature <x>', 'distill.method.temperature'],
  ['--beta <x>', 'distill.method.beta'],
  ['--completions <whose>', 'distill.method.completions'],
  ['--student-share <x>', 'distill.method.studentShare'],
  ['--min-reward <x>', 'distill.method.minReward'],
  ['--decoding <kind>', 'distill.decoding'],
  ['--expert-weight <x>', 'distill.expertWeight'],
  ['--queries <n>', 'queries'],
  ['--steps <n>', 'distill.steps'],
  ['--batch <n>', 'distill.batchSize'],
  ['--lr <x>', 'distill.learningRate'],
  ['--precision <name>', 'distill.precision'],
  ['--seed <n>', 'distill.seed'],
  ['--world-seed <n>', 'world.seed'],
]);

/** The methods of distillation by name; on-policy is the JSD with a share of the student's own completions. */
export const METHODS = ['hard-label', 'trace', 'label-kd', 'jsd', 'on-policy', 'expert'] as const;
export type MethodName = (typeof METHODS)[number];

/** The options that each has. */
export const METHOD_SETTINGS: Readonly<Record<MethodName, readonly string[]>> = {
  'hard-label': [],
  trace: ['minReward'],
  'label-kd': ['temperature'],
  jsd: ['beta', 'completions'],
  'on-policy': ['beta', 'completions', 'studentShare'],
  expert: [],
};

export const WORLD_OPTIONS = new SettingOptions(ruleWorldConfigSchema, [['--seed <n>', 'seed']]);
