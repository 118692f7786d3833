/** Settings of a form as the JSON of a settings file, and back. */
import { describe, expect, it } from 'vitest';
import { GrpoExperimentSchema } from '../../../../../src/protocol/grpo-experiment.ts';
import { SftExperimentSchema } from '../../../../../src/protocol/sft-experiment.ts';
import { checkDraft, draftOf, formOf } from '../../../../../src/ui/parts/forms/settings-draft.ts';
import { changedSettings, takenSettings } from '../../../../../src/ui/parts/forms/settings-json.ts';
import { settingsAddress, settingsIn } from '../../../../../src/ui/parts/routes.ts';

const GRPO = formOf(GrpoExperimentSchema);
const SFT = formOf(SftExperimentSchema);
const SETTINGS = {
  devPairs: 12,
  reward: { kind: 'plausible', own: { plausible: 0.5 } },
  passRates: { samples: 4 },
  grpo: { steps: 7, balance: { kind: 'convex', mu: 0.25 }, kl: { kind: 'k3', beta: 0.2 } },
} as const;

describe('settings as JSON', () => {
  it('are those of the form, and give the same form again', () => {
    const draft = draftOf(GRPO, SETTINGS);
    const text = JSON.stringify(changedSettings(GRPO.fields, draft));
    expect(JSON.parse(text)).toMatchObject(SETTINGS);
    const taken = takenSettings(GRPO, new Map(), text);
    expect(taken.leftOut).toEqual([]);
    expect(checkDraft(GRPO, taken.draft)).toEqual(checkDraft(GRPO, draft));
    // Through the address too.
    const place = ['collapse', 'settings'] as const;
    expect(settingsIn(settingsAddress(place, text), place)).toBe(text);
    expect(settingsIn('#/train?settings={}', place)).toBeUndefined();
  });

  it('take the place of all that was set, and leave to others what these decide', () => {
    const before = new Map([
      ['sft.steps', '9'],
      ['sft.seed', '5'],
      ['data.kind', 'file'],
      ['data.name', 'mine.tsv'],
      ['data.sha256', 'ab'.repeat(32)],
    ]);
    const given = {
      data: { kind: 'file', name: 'other.tsv', sha256: 'cd'.repeat(32), devShare: 0.2 },
      sft: { steps: 3 },
    };
    const start = { name: 'general', hash: 'h' };
    const { draft, leftOut } = takenSettings(SFT, before, JSON.stringify({ ...given, start }));
    expect(Object.fromEntries(draft)).toEqual({
      'sft.steps': '3',
      'data.devShare': '0.2',
      'data.kind': 'file',
      'data.name': 'mine.tsv',
      'data.sha256': 'ab'.repeat(32),
    });
    expect(leftOut).toEqual(['data.name', 'data.sha256', 'start']);
    expect(changedSettings(SFT.fields, draft)).toEqual({
      data: { kind: 'file', name: 'mine.tsv', sha256: 'ab'.repeat(32), devShare: 0.2 },
      sft: { steps: 3 },
    });
  });

  it.each([
    ['{', /The JSON is not usable/u],
    ['[1]', /The JSON is not usable/u],
    ['{"sft":{"stepz":3}}', /stepz/u],
    ['{"sft":{"steps":0}}', /sft\.steps/u],
  ])('%s is refused by name', (text, message) => {
    expect(() => takenSettings(SFT, new Map(), text)).toThrow(message);
  });
});
