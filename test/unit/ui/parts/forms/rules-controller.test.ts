/** Own rules in a form: which are in use after they were read, dropped, refused, or chosen too early. */
import { describe, expect, it } from 'vitest';
import type { RulesSummary } from '../../../../../src/protocol/imported-data.ts';
import { RulesController } from '../../../../../src/ui/parts/forms/rules-controller.ts';

const SUMMARY = { rules: { instruction: {} } } as unknown as RulesSummary;
const PURPOSE = { data: { kind: 'file' }, scaleSize: 2 };
const FILES = [new File(['{}'], 'instruction.json')];

function controllerAndReads(): { readonly rules: RulesController; readonly reads: unknown[] } {
  const host = {
    addController: () => undefined,
    removeController: () => undefined,
    requestUpdate: () => undefined,
    updateComplete: Promise.resolve(true),
  };
  return { rules: new RulesController(host), reads: [] };
}

describe('own rules', () => {
  const { rules, reads } = controllerAndReads();
  const open = () =>
    Promise.resolve({
      readRules: (request: unknown) => {
        reads.push(request);
        return Promise.resolve(SUMMARY);
      },
    });

  it('are in use once they are read, and no longer once they are dropped', async () => {
    await rules.read(open, FILES, PURPOSE);
    expect(rules.state.summary).toBe(SUMMARY);
    rules.drop();
    await Promise.resolve();
    expect(rules.state).toEqual({ reading: undefined, summary: undefined, failure: undefined });
  });

  it('that cannot be read leave none in use, and are not read again', async () => {
    await rules.read(open, FILES, PURPOSE);
    await rules.refuse(new Error('No labels.'));
    expect(rules.state).toMatchObject({ summary: undefined, failure: { message: 'No labels.' } });
    const before = reads.length;
    await rules.readFor(open, { ...PURPOSE, scaleSize: 3 });
    expect(reads).toHaveLength(before);
  });

  it('that are chosen while the settings are invalid are read once they are valid', async () => {
    const before = reads.length;
    await rules.read(open, FILES, undefined);
    expect(reads).toHaveLength(before);
    expect(rules.state.summary).toBeUndefined();
    await rules.readFor(open, PURPOSE);
    expect(reads).toHaveLength(before + 1);
    expect(rules.state.summary).toBe(SUMMARY);
  });
});
