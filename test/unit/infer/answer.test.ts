import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DecodingKind, DECODINGS } from '../../../src/config/decoding.ts';
import { answerPair } from '../../../src/infer/answer.ts';
import { disposeLabModel, type LabModel, loadLabModel, promptRoom } from '../../../src/infer/lab-model.ts';
import { scorePair, scoreStream } from '../../../src/infer/score-pairs.ts';
import { type ScoringEvent, ScoringEventSchema } from '../../../src/protocol/scoring.ts';
import { promptContent } from '../../../src/relevance/prompt/prompt.ts';
import { toExpert } from '../../../src/runs/sft-experiment.ts';
import { evaluate } from '../../../src/train/evaluate.ts';
import { makeDocument, type Pair } from '../../../src/relevance/pair/pair.ts';
import { evidenceOccurs } from '../../../src/relevance/rules/evidence.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { SMALL_WORLD, smallLabModel, smallModelFiles } from '../../reference/small-lab-model.ts';

const pairs = [...SMALL_WORLD.pairs('test', 0, 8)];
let model: LabModel;

beforeAll(async () => {
  await useBackend('wasm');
  model = smallLabModel();
});
afterAll(() => disposeLabModel(model));

async function eventsOf(
  pair: Pair,
  options: { reason?: boolean; decoding?: DecodingKind } = {},
): Promise<ScoringEvent[]> {
  const events: ScoringEvent[] = [];
  await answerPair(model, pair, { ...options, emit: (event) => events.push(event) });
  return events;
}

describe('answerPair', () => {
  it('gives the label first and the end last, each event as its schema says', async () => {
    for (const pair of pairs.slice(0, 4)) {
      const events = await eventsOf(pair);
      expect(events.filter(({ kind }) => kind === 'label')).toHaveLength(1);
      expect(events[0]?.kind).toBe('label');
      expect(events.at(-1)?.kind).toBe('done');
      expect(events.some(({ kind }) => kind === 'text')).toBe(true);
      for (const event of events) expect(v.safeParse(ScoringEventSchema, event).issues).toBeUndefined();
    }
  });

  it('holds its reasoning to the pair unless asked otherwise, in fewer passes than tokens, and gives the same label', async () => {
    let quoted = 0;
    for (const pair of pairs.slice(0, 3)) {
      const answers = await Promise.all(
        [undefined, ...DECODINGS].map(async (decoding) => {
          const events = await eventsOf(pair, decoding === undefined ? {} : { decoding });
          const done = events.find((event) => event.kind === 'done');
          const label = events.find((event) => event.kind === 'label');
          const steps = events.filter((event) => event.kind === 'step');
          if (done === undefined || label === undefined) throw new Error('no answer');
          const { decodeMs: _, ...ending } = done;
          return { label: label.label, probabilities: label.probabilities, ending, steps };
        }),
      );
      const [usual, free, grammar, grounded] = answers;
      expect(usual).toEqual(grounded);
      expect(new Set(answers.map(({ label }) => label)).size).toBe(1);
      for (const held of [grammar, grounded]) {
        expect(held?.ending.complete).toBe(true);
        expect(held?.ending.restated).toBe(held?.label);
        expect(held?.ending.passes).toBeLessThan(held?.ending.tokens ?? 0);
      }
      expect(free?.ending.passes).toBe(free?.ending.tokens);
      const { folding } = model.lexicon;
      const cited = grounded?.steps.flatMap(({ step }) => step.evidence) ?? [];
      expect(cited.filter((evidence) => !evidenceOccurs(folding, pair, evidence))).toEqual([]);
      quoted += cited.length;
    }
    expect(quoted).toBeGreaterThan(0);
  });

  it('gives the label that scoring gives', async () => {
    for (const pair of pairs.slice(0, 6)) {
      const [label] = await eventsOf(pair, { reason: false });
      const score = await scorePair(model, pair);
      if (label?.kind !== 'label') throw new Error('no label');
      expect(label.label).toBe(score.label);
      expectClose(label.probabilities, score.probabilities, { absolute: 5e-6 });
    }
  });

  it('stops at the next token when it is cancelled, and frees everything', async () => {
    const [pair] = pairs;
    if (pair === undefined) throw new Error('no pair');
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    const kinds: string[] = [];
    const answer = answerPair(model, pair, {
      signal: controller.signal,
      emit: ({ kind }) => {
        kinds.push(kind);
        if (kind === 'text') controller.abort();
      },
    });
    await expect(answer).rejects.toMatchObject({ code: 'aborted' });
    expect(kinds).toEqual(['label', 'text']);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('lets a cancelling message in while it streams', async () => {
    const [pair] = pairs;
    if (pair === undefined) throw new Error('no pair');
    const controller = new AbortController();
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      controller.abort();
      port1.close();
    });
    port1.start();
    const answer = answerPair(model, pair, {
      signal: controller.signal,
      emit: ({ kind }) => kind === 'label' && port2.postMessage('cancel'),
    });
    await expect(answer).rejects.toMatchObject({ code: 'aborted' });
  });

  it('cuts what does not fit, and says which fields', async () => {
    const text = Array.from({ length: 400 }, (_, i) => `word${i}`).join(' ');
    const document = makeDocument({ title: `kettle ${text}`, attributes: { feature: text }, text });
    const [label] = await eventsOf({ query: 'kettle', document });
    if (label?.kind !== 'label') throw new Error('no label');
    expect(label.promptTokens).toBeLessThanOrEqual(promptRoom(model));
    expect(label.cutFields).toEqual(['title', 'attributes', 'text']);
  });

  it('cuts a query of one endless word', async () => {
    const [label] = await eventsOf({ query: 'x'.repeat(2000), document: makeDocument({ title: 'kettle' }) });
    expect(label).toMatchObject({ kind: 'label', cutFields: ['query'] });
  });
});

describe('scoreStream', () => {
  async function* stream(): AsyncGenerator<{ pair: Pair; row: number }> {
    for (const [row, pair] of pairs.entries()) yield await Promise.resolve({ pair, row });
  }

  it('gives pairs in their order, with the scores they get one by one', async () => {
    const rows: number[] = [];
    for await (const { item, score } of scoreStream(model, stream())) {
      rows.push(item.row);
      const alone = await scorePair(model, item.pair);
      expect(score.label).toBe(alone.label);
      expectClose(score.probabilities, alone.probabilities, { absolute: 5e-6 });
    }
    expect(rows).toEqual(pairs.map((_, row) => row));
  });

  it('stops on request', async () => {
    const seen: unknown[] = [];
    const run = async (): Promise<void> => {
      for await (const scored of scoreStream(model, stream(), AbortSignal.abort())) seen.push(scored);
    };
    await expect(run()).rejects.toMatchObject({ code: 'aborted' });
    expect(seen).toEqual([]);
  });
});

describe('a row that cannot become a prompt', () => {
  it('ends the stream, or is told and left out', async () => {
    const { transformer } = model;
    const config = { ...transformer.config, maxPositions: 34 };
    const narrow = { ...model, transformer: { ...transformer, config } };
    const inTurn = async function* (): AsyncGenerator<{ pair: Pair; row: number }> {
      for (const [row, pair] of pairs.entries()) yield await Promise.resolve({ pair, row });
    };
    const left: number[] = [];
    const onUnfit = ({ row }: { row: number }): void => void left.push(row);
    for await (const scored of scoreStream(narrow, inTurn(), undefined, { onUnfit })) expect.fail(`${scored.item.row}`);
    expect(left).toEqual(pairs.map((_, row) => row));
    await expect(scoreStream(narrow, inTurn()).next()).rejects.toMatchObject({ code: 'bad-config' });
  });
});

describe('a score that is not a number', () => {
  // Embeddings overflow in the norm, which leaves logits of 0: numbers, but no scores.
  it.each(['model.norm.weight', 'model.embed_tokens.weight'])(
    'is an error that names what was scored (%s)',
    async (name) => {
      const before = model.transformer.weights.get(name);
      if (before === undefined) throw new Error(`no ${name}`);
      const huge = tf.tidy(() => tf.mul<typeof before>(tf.sign(before), 3e38));
      const weights = new Map(model.transformer.weights).set(name, huge);
      const broken: LabModel = { ...model, transformer: { ...model.transformer, weights } };
      const [pair] = pairs;
      if (pair === undefined) throw new Error('no pair');
      const rows = async function* (): AsyncGenerator<{ pair: Pair; row: number }> {
        yield await Promise.resolve({ pair, row: 17 });
      };
      const stream = scoreStream(broken, rows(), undefined, { nameOf: ({ row }) => `row ${row}` });
      await expect(stream.next()).rejects.toThrow(/The score of row 17 is not a number/u);
      await expect(answerPair(broken, pair, { emit: () => undefined })).rejects.toMatchObject({ code: 'not-finite' });
      await expect(evaluate(broken, [toExpert(pair)])).rejects.toThrow(`query "${pair.queryId}"`);
      huge.dispose();
    },
  );
});

describe('loadLabModel', () => {
  it('reads words by the version of the model, 1 where none is named', async () => {
    for (const folding of [undefined, 1, 2] as const) {
      const files = smallModelFiles();
      const lab = JSON.parse(new TextDecoder().decode(files.get('lab.json'))) as { prompt: object };
      const versioned = { ...lab, prompt: { ...lab.prompt, folding } };
      const loaded = await loadLabModel(files.set('lab.json', new TextEncoder().encode(JSON.stringify(versioned))));
      expect(loaded.lexicon.folding.version).toBe(folding ?? 1);
      const wide = { query: 'ｋｅｔｔｌｅ', document: makeDocument({ title: 'kettle' }) };
      expect(promptContent(wide, loaded.prompt).hints?.query).toBe(folding === 2 ? 3 : 0);
      disposeLabModel(loaded);
    }
  });

  it('names the file that is missing, broken or does not belong', async () => {
    const without = smallModelFiles();
    without.delete('lab.json');
    await expect(loadLabModel(without)).rejects.toThrow(/no lab\.json/);

    const broken = smallModelFiles().set('card.json', new TextEncoder().encode('{'));
    await expect(loadLabModel(broken)).rejects.toThrow(/card\.json of the model is not JSON/);

    const truncated = smallModelFiles();
    const weights = truncated.get('model.safetensors') ?? new Uint8Array();
    truncated.set('model.safetensors', weights.subarray(0, weights.length - 100));
    await expect(loadLabModel(truncated)).rejects.toThrow(/model\.norm\.weight.*damaged/);
  });
});
