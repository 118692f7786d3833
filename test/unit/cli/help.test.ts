/** `--help` is made without the engine, and from what the settings say of themselves. */
import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { settingFields } from '../../../src/config/setting-fields.ts';
import { DistillExperimentSchema } from '../../../src/protocol/distill-experiment.ts';
import { GrpoExperimentSchema } from '../../../src/protocol/grpo-experiment.ts';
import { SftExperimentSchema } from '../../../src/protocol/sft-experiment.ts';
import { lab } from './lab.ts';

const HOOK = `export const resolve = (specifier, context, next) => {
  if (/^(@tensorflow|webgpu)/u.test(specifier)) throw new Error('engine: ' + specifier);
  return next(specifier, context);
};`;
/** Runs a module in a process in which the engine cannot be loaded. */
const withoutEngine = (code: string): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    `import { register } from 'node:module';
register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(HOOK)}`)});
${code}`,
  ]);

describe('the help of commands', () => {
  it('is made without the engine', async () => {
    const { stdout } = await withoutEngine(`
      const { runCli } = await import('./src/cli/run-cli.ts');
      for (const name of ${JSON.stringify(COMMANDS.map(({ name }) => name))}) {
        if ((await runCli([name, '--help'])) !== 0) throw new Error(name);
      }
      if ((await runCli(['recipe', 'general', '--help'])) !== 0) throw new Error('general');`);
    for (const { name } of COMMANDS) expect(stdout).toContain(`Usage: npm run lab -- ${name} `);
  });

  it('is looked for where the engine would be noticed', async () => {
    await expect(withoutEngine(`await import('./src/cli/runs/sft-action.ts');`)).rejects.toThrow(
      /engine: @tensorflow/u,
    );
  });

  it.each([
    ['sft', SftExperimentSchema],
    ['grpo', GrpoExperimentSchema],
    ['distill', DistillExperimentSchema],
  ] as const)('of %s lists every setting that can be typed', async (name, schema) => {
    const { out } = await lab(name, '--help');
    const decided = new Set(['data.kind', 'student.kind']);
    const fields = settingFields(schema).filter(({ kind, path }) => kind !== 'given' && !decided.has(path));
    for (const { path } of fields) expect(out).toMatch(new RegExp(`^\\s+${path.replaceAll('.', '\\.')}\\s`, 'mu'));
  });
});

describe('--set', () => {
  it.each([
    ['sft.stepz=3', /no setting "sft\.stepz"\. Did you mean "sft\.steps"\?/u],
    ['steps=3', /Did you mean "sft\.steps"\?/u],
    ['sft.steps=0x10', /a whole number from 1 to 10,000,000/u],
    ['sft.learningRate=1,5', /a number above 0/u],
    ['sft.steps', /path=value/u],
    ['data.kind=file', /no setting "data\.kind"/u],
  ])('refuses %s', async (pair, message) => {
    const { code, err } = await lab('sft', '--out', 'runs/none', '--set', pair);
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  it('names the kinds that a setting belongs to', async () => {
    const { code, err } = await lab('grpo', '--out', 'runs/none', '--set', 'grpo.kl.beta=0.3');
    expect(err).toMatch(/grpo\.kl\.beta: there is no "beta" where kind is "none", but for k1-reward, k2, k3/u);
    expect(code).toBe(2);
  });
});
