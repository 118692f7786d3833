/** Settings given as options, in the places where the schema has them. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { DISTILL_OPTIONS, GRPO_OPTIONS } from '../../../src/cli/runs/run-options.ts';
import { settingFields } from '../../../src/config/setting-fields.ts';
import { typedSetting } from '../../../src/config/setting-values.ts';
import { GrpoExperimentSchema } from '../../../src/protocol/grpo-experiment.ts';
import { grpoCommand } from '../../../src/cli/runs/grpo-command.ts';

const applied = (pairs: Readonly<Record<string, string>>, settings = {}) => {
  const command = grpoCommand();
  const args = Object.entries(pairs).flatMap(([path, value]) => ['--set', `${path}=${value}`]);
  command.parseOptions([...args, '--out', 'x']);
  return GRPO_OPTIONS.apply(settings, GRPO_OPTIONS.explicitIn(command));
};

describe('options of settings', () => {
  it('reach every setting, each with its default', () => {
    for (const { path, kind, fallback, when } of settingFields(GrpoExperimentSchema)) {
      if (kind === 'given' || path === 'data.kind' || when.some(({ value }) => value === 'file')) continue;
      const kinds = Object.fromEntries(
        when.filter((each) => each.path !== 'data.kind').map((each) => [each.path, String(each.value)]),
      );
      const value = kind === 'toggle' ? String(fallback) : typedSetting(fallback);
      const asked = applied({ ...kinds, [path]: value }, { data: { kind: 'world' } });
      expect(v.safeParse(GrpoExperimentSchema, asked).issues, path).toBeUndefined();
    }
  });

  it('take a kind before what belongs to it, in whatever order they come', () => {
    expect(applied({ 'grpo.kl.beta': '0.2', 'grpo.kl.kind': 'k3' })).toEqual({
      grpo: { kl: { kind: 'k3', beta: 0.2 } },
    });
  });

  it('leave out what belonged to another kind, and keep what they do not name', () => {
    const before = { grpo: { steps: 7, balance: { kind: 'chord', peak: 0.4 } } };
    expect(applied({ 'grpo.balance.kind': 'convex' }, before)).toEqual({
      grpo: { steps: 7, balance: { kind: 'convex' } },
    });
    expect(applied({ 'grpo.balance.valley': '0' }, before)).toEqual({
      grpo: { steps: 7, balance: { kind: 'chord', peak: 0.4, valley: 0 } },
    });
  });

  it('set and unset what may be none', () => {
    expect(applied({ 'grpo.samplerCorrectionCap': 'none' })).toEqual({ grpo: { samplerCorrectionCap: null } });
    expect(applied({ 'passRates.samples': '4', passRates: 'yes' })).toEqual({ passRates: { samples: 4 } });
    expect(applied({ passRates: 'no' }, { passRates: { samples: 4 } })).toEqual({ passRates: null });
  });

  it('come with the kind that their flag means', () => {
    const command = grpoCommand();
    command.parseOptions(['--lambda', '0', '--seed', '3', '--out', 'x']);
    const asked = GRPO_OPTIONS.apply({ grpo: { balance: { kind: 'hpt' } } }, GRPO_OPTIONS.explicitIn(command));
    expect(asked).toEqual({ grpo: { balance: { kind: 'additive', lambda: 0 }, seed: 3 } });
  });

  it('are named again where they have no flag', () => {
    const from = { distill: { steps: 5, maxTokens: 48 }, world: { brandCount: 120 } };
    const to = { distill: { steps: 9, maxTokens: 64 }, world: { brandCount: 120 } };
    expect(DISTILL_OPTIONS.unflagged(from, to)).toEqual(['--set distill.maxTokens=64']);
  });
});
