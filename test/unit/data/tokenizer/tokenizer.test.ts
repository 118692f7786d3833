import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../../src/common/errors.ts';
import { trainBpe } from '../../../../src/data/tokenizer/bpe-trainer.ts';
import { LabTokenizer } from '../../../../src/data/tokenizer/tokenizer.ts';
import { makeTokenizerJson } from '../../../../src/data/tokenizer/tokenizer-json.ts';
import { TokenStream } from '../../../../src/data/tokenizer/token-stream.ts';
import { special, words, type Segment } from '../../../../src/relevance/trace/segments.ts';
import {
  ANSWER,
  EOS,
  labelToken,
  ruleToken,
  SPECIAL_TOKENS,
  verdictToken,
  VERDICTS,
} from '../../../../src/relevance/pair/vocabulary.ts';
import fixture from '../../../fixtures/bpe-reference.json' with { type: 'json' };

const VOCAB = SPECIAL_TOKENS.length + 320;
const json = trainBpe(fixture.texts, { vocabSize: VOCAB, specialTokens: SPECIAL_TOKENS });
const tokenizer = LabTokenizer.fromJson(json);

// Every kind of text: any UTF-16 units (lone surrogates too), any characters, and text in the shape of special tokens.
const anyText = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(ANSWER, EOS, labelToken(4, 3), ' kettle', "'s", '  ', '\n', '<|', '|>', '\ufeff', '🫖', 'größer'),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
);
const anySegments: fc.Arbitrary<Segment[]> = fc.array(
  fc.oneof(
    fc.constantFrom(...SPECIAL_TOKENS).map((token): Segment => special(token)),
    anyText.map((text): Segment => ({ kind: 'text', text })),
  ),
  { maxLength: 8 },
);

describe('LabTokenizer', () => {
  it('round-trips any text; lone surrogates become U+FFFD', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.decodeText(tokenizer.encodeText(text))).toBe(wellFormed(text));
      }),
      { numRuns: 500 },
    );
  });

  it('never encodes text as a special token', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const id of tokenizer.encodeText(text)) expect(id).toBeGreaterThanOrEqual(SPECIAL_TOKENS.length);
      }),
    );
    const ids = tokenizer.encode([words(ANSWER)]);
    expect(ids.length).toBeGreaterThan(1);
    expect(tokenizer.decode(ids)).toEqual([words(ANSWER)]);
  });

  it('round-trips any segments, with adjacent texts joined', () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        expect(tokenizer.decode(tokenizer.encode(segments))).toEqual(joinTexts(segments));
      }),
      { numRuns: 300 },
    );
  });

  it('has one token for each label, rule and verdict', () => {
    const tokens = [...VERDICTS.map(verdictToken), ruleToken(0), ruleToken(47), labelToken(2, 1), labelToken(6, 5)];
    expect(tokenizer.encode(tokens.map(special))).toEqual(tokens.map((token) => SPECIAL_TOKENS.indexOf(token)));
    expect(tokenizer.labelIds(4)).toEqual([0, 1, 2, 3].map((label) => tokenizer.idOf(labelToken(4, label))));
    expect(() => tokenizer.labelIds(7)).toThrow(LabError);
    expect(() => tokenizer.idOf('<|nothing|>')).toThrow(/SPECIAL_TOKENS.*Got <\|nothing\|>/);
  });

  it('encodes like Hugging Face with the same vocabulary', () => {
    const offset = SPECIAL_TOKENS.length - fixture.specialTokens.length;
    const text = Object.entries(fixture.vocab)
      .toSorted(([, a], [, b]) => a - b)
      .map(([token]) => token)
      .slice(fixture.specialTokens.length);
    const model = {
      tokens: [...SPECIAL_TOKENS, ...text],
      merges: fixture.merges.map(splitMerge),
      specialTokens: SPECIAL_TOKENS,
    };
    const same = LabTokenizer.fromJson(makeTokenizerJson(model));
    expect(fixture.encodings.length).toBeGreaterThan(10);
    for (const { text: input, ids } of fixture.encodings) {
      expect(same.encodeText(input)).toEqual(ids.map((id) => id + offset));
    }
  });

  it('gives the same ids for a cached word and for a new one', () => {
    const once = tokenizer.encodeText(' kettle');
    expect(tokenizer.encodeText(' kettle')).toEqual(once);
    expect(LabTokenizer.fromJson(json).encodeText(' kettle kettle')).toEqual([...once, ...once]);
  });

  it('gives the same ids after more words than it caches', () => {
    const numbers = Array.from({ length: 40_000 }, (_, i) => String(i));
    const early = numbers.slice(0, 100).map((number) => tokenizer.encodeText(number));
    for (const number of numbers) tokenizer.encodeText(number);
    expect(numbers.slice(0, 100).map((number) => tokenizer.encodeText(number))).toEqual(early);
  });

  it('round-trips through its file', () => {
    const loaded = LabTokenizer.fromJson(JSON.parse(JSON.stringify(tokenizer.toJson())));
    expect(loaded.fingerprint).toBe(tokenizer.fingerprint);
    expect(loaded.vocabSize).toBe(VOCAB);
    expect(loaded.encodeText(' größer kettles')).toEqual(tokenizer.encodeText(' größer kettles'));
    const smaller = trainBpe(fixture.texts, { vocabSize: VOCAB - 1, specialTokens: SPECIAL_TOKENS });
    expect(LabTokenizer.fromJson(smaller).fingerprint).not.toBe(tokenizer.fingerprint);
  });

  it('reads merges written as pairs', () => {
    const pairs = {
      ...json,
      model: { ...json.model, merges: json.model.merges.map((merge) => splitMerge(String(merge))) },
    };
    expect(LabTokenizer.fromJson(pairs).fingerprint).toBe(tokenizer.fingerprint);
  });

  it('gives no meaning to ids that only the model has, and rejects invalid ids', () => {
    expect(tokenizer.decode([tokenizer.vocabSize])).toEqual([special('<|unused|>')]);
    expect(tokenizer.decodeText([tokenizer.vocabSize + 7])).toBe('');
    expect(() => tokenizer.decode([-1])).toThrow(/Unknown token id/);
  });
});

describe('LabTokenizer.fromJson', () => {
  const { model } = json;
  const [first, ...rest] = json.added_tokens;
  const bad: Readonly<Record<string, unknown>> = {
    'no object': 'tokenizer',
    nothing: undefined,
    'no model': { ...json, model: undefined },
    'another model': { ...json, model: { ...model, type: 'Unigram' } },
    'a normalizer': { ...json, normalizer: { type: 'NFC' } },
    'a prefix space': { ...json, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true } },
    'a missing special token': { ...json, added_tokens: rest },
    'a renamed special token': { ...json, added_tokens: [{ ...first, content: '<pad>' }, ...rest] },
    'a further special token': {
      ...json,
      added_tokens: [...json.added_tokens, { id: 9999, content: '<|new|>', special: true }],
    },
    'an id twice': { ...json, model: { ...model, vocab: { ...model.vocab, new: 5 } } },
    'a gap in the ids': { ...json, model: { ...model, vocab: { ...model.vocab, new: 5000 } } },
    'an id that is no number': { ...json, model: { ...model, vocab: { ...model.vocab, new: 'x' } } },
    'a token outside the byte alphabet': {
      ...json,
      model: { ...model, vocab: { ...model.vocab, 漢: VOCAB } },
    },
    'a merge of unknown parts': { ...json, model: { ...model, merges: [...model.merges, 'q zz'] } },
    'a merge that spells a special token': { ...json, model: { ...model, merges: [...model.merges, ['<', '|pad|>']] } },
    'a merge without parts': { ...json, model: { ...model, merges: ['ab'] } },
  };

  it.each(Object.entries(bad))('rejects %s', (_name, value) => {
    const error = thrownBy(() => LabTokenizer.fromJson(value));
    expect(error).toBeInstanceOf(LabError);
    expect((error as LabError).code).toBe('bad-tokenizer');
    expect((error as LabError).message).toMatch(/Expected .+ Got .+ Use a tokenizer/);
  });
});

describe('TokenStream', () => {
  it('gives the same text as decode', () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        const ids = tokenizer.encode(segments);
        const stream = new TokenStream(tokenizer);
        const pieces = ids.flatMap((id) => stream.push(id));
        expect(joinTexts([...pieces, ...stream.end()])).toEqual(tokenizer.decode(ids));
      }),
    );
  });

  it('holds back a character until it is complete', () => {
    const bytes = tokenizer.encodeText('𝄞');
    expect(bytes).toHaveLength(4);
    const stream = new TokenStream(tokenizer);
    expect(bytes.map((id) => stream.push(id))).toEqual([[], [], [], [{ kind: 'text', text: '𝄞' }]]);
  });

  it('gives U+FFFD for a character cut off by a special token or the end', () => {
    const [lead = 0] = tokenizer.encodeText('𝄞');
    const stream = new TokenStream(tokenizer);
    stream.push(lead);
    expect(stream.push(tokenizer.idOf(EOS))).toEqual([{ kind: 'text', text: '\ufffd' }, special(EOS)]);
    stream.push(lead);
    expect(stream.end()).toEqual([{ kind: 'text', text: '\ufffd' }]);
    expect(stream.end()).toEqual([]);
  });
});

function joinTexts(segments: readonly Segment[]): Segment[] {
  const out: Segment[] = [];
  for (const segment of segments) {
    const last = out.at(-1);
    if (segment.kind === 'special') out.push(segment);
    else if (last?.kind === 'text') out[out.length - 1] = { kind: 'text', text: last.text + wellFormed(segment.text) };
    else if (segment.text !== '') out.push({ kind: 'text', text: wellFormed(segment.text) });
  }
  return out;
}

// The text with lone surrogates replaced, by the definition of UTF-16.
function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, '\ufffd');
}

function splitMerge(merge: string): [string, string] {
  const [left = '', right = ''] = merge.split(' ');
  return [left, right];
}

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}
