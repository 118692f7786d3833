import { beforeAll, describe, expect, it } from 'vitest';
import { answerPair } from '../../../src/infer/answer.ts';
import { disposeLabModel } from '../../../src/infer/lab-model.ts';
import { scorePair } from '../../../src/infer/score-pairs.ts';
import type { ScoringEvent } from '../../../src/protocol/scoring.ts';
import { withoutEvidence } from '../../../src/relevance/rules/counterfactual.ts';
import { execute } from '../../../src/relevance/rules/execute.ts';
import { toExpert } from '../../../src/runs/sft-experiment.ts';
import { answerDeletions, deletionsOf, measureFaithfulness } from '../../../src/train/faithfulness.ts';
import { useBackend } from '../../reference/backends.ts';
import { SMALL_WORLD, smallLabModel } from '../../reference/small-lab-model.ts';

describe('deletionsOf', () => {
  it('distinguishes labels that should move from those that should stay', () => {
    const cases = [
      { before: 3, after: 0, now: 0 },
      { before: 3, after: 0, now: 1 },
      { before: 3, after: 1, now: 3 },
      { before: 2, after: 2, now: 2 },
      { before: 2, after: 2, now: 0 },
      { before: 1, after: 1, now: 1 },
    ];
    expect(deletionsOf(cases)).toEqual({
      pairs: 6,
      shouldMove: 3,
      movedAsRuled: 1 / 3,
      moved: 2 / 3,
      shouldStay: 3,
      stayed: 2 / 3,
    });
  });

  it('has no shares without cases', () => {
    expect(deletionsOf([])).toMatchObject({ movedAsRuled: null, moved: null, stayed: null });
  });
});

describe('measureFaithfulness', () => {
  beforeAll(() => useBackend('wasm'));

  it('finds nothing to delete for answers that cite nothing', async () => {
    const expert = Array.from(SMALL_WORLD.pairs('dev'), toExpert).slice(0, 6);
    const report = await measureFaithfulness(smallLabModel(), expert);
    expect(report.completions).toBe(6);
    expect(report.usable).toBe(0);
    expect(report.cited.pairs + report.control.pairs).toBe(0);
  });

  it('asks right answers again without the words that they cite, and without others', async () => {
    const model = smallLabModel();
    const { instruction, lexicon } = model;
    const expert = Array.from(SMALL_WORLD.pairs('dev'), toExpert).slice(0, 40);
    const { completions, usable, cited, control } = await answerDeletions(model, expert, { decoding: 'grounded' });

    // The same, one answer after the other.
    const alone = [];
    for (const { pair } of expert) {
      const events: ScoringEvent[] = [];
      await answerPair(model, pair, { decoding: 'grounded', emit: (event) => events.push(event) });
      const evidence = events.flatMap((event) => (event.kind === 'step' ? event.step.evidence : []));
      const less = withoutEvidence(lexicon.folding, pair, evidence);
      const before = execute(instruction, lexicon, pair).label;
      const said = events.find((event) => event.kind === 'label');
      if (less === undefined || said?.label !== before) continue;
      const after = execute(instruction, lexicon, less).label;
      alone.push({ queryId: pair.queryId, before, after, now: (await scorePair(model, less)).label });
    }
    expect(alone.length).toBeGreaterThan(3);
    expect({ completions, usable, cited }).toEqual({ completions: 40, usable: alone.length, cited: alone });
    // As many other words, where a document has them; the label before is the same.
    expect(control.length).toBeGreaterThan(0);
    const known = new Set(alone.map(({ queryId, before }) => `${queryId} ${before}`));
    expect(control.filter(({ queryId, before }) => !known.has(`${queryId} ${before}`))).toEqual([]);
    disposeLabModel(model);
  });
});
