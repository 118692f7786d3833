/** Citations of runs: whatever their settings are called, BibTeX reads them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runsBibtex } from '../../../src/studies/run-report.ts';

const groupOf = (name: string) => ({
  name,
  settings: {},
  runs: [{ path: 'p', kind: 'grpo' as const, name: 'r', seed: 3, step: 1, steps: 1, settings: {}, curve: [] }],
});

describe('a citation', () => {
  it('says which runs it is of', () => {
    const bibtex = runsBibtex({ groups: [groupOf('lambda 0'), groupOf('lambda 0.3')] });
    expect(bibtex).toContain('note = {2 runs (grpo) of lambda 0; lambda 0.3, seeds 3}');
  });

  it('has braces that match, and no character that TeX would take for a command', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('\\', '{', '}', '~', '^', '#', '$', '%', '&', '_', 'a') }),
        (name) => {
          const bibtex = runsBibtex({ groups: [groupOf(name)] });
          const note = /note = \{(.*?)\},\n\}/su.exec(bibtex)?.[1] ?? '';
          const bare = note.replaceAll(/\\[#$%&_]|\{\\text[a-z]+\}/gu, '');
          expect(bare).not.toMatch(/[\\{}~^#$%&_]/u);
        },
      ),
    );
  });
});
