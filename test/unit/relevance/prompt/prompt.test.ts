import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { type AttributeValue, makeDocument, type Pair } from '../../../../src/relevance/pair/pair.ts';
import {
  buildPrompt,
  DEFAULT_PROMPT_CONFIG,
  parsePrompt,
  printPrompt,
  promptConfigSchema,
  promptContent,
  promptPrefix,
} from '../../../../src/relevance/prompt/prompt.ts';
import { describeSegments, type Segment, words } from '../../../../src/relevance/trace/segments.ts';
import { FOLDING_VERSIONS } from '../../../../src/relevance/pair/folding.ts';
import { shownText, textFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { specialTokens } from '../../../../src/relevance/pair/vocabulary.ts';

const KETTLE: Pair = {
  query: 'Zorvex kettle 1.5 L',
  document: makeDocument({
    title: 'Travel  Kettle',
    brand: 'Zorvex',
    type: 'kettle',
    attributes: { Capacity: '500 ml', cordless: true, colours: ['Red', 'Blue'] },
    text: '',
  }),
};

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('', '  ', '<|answer|>', 'A <|query|> b', 'Éclair\tİstanbul ΑΣ', "men's  shoes"),
);
const anyValue: fc.Arbitrary<AttributeValue> = fc.oneof(
  anyText,
  fc.integer(),
  fc.boolean(),
  fc.array(anyText, { maxLength: 3 }),
);
const share = fc.double({ min: 0, max: 1, noNaN: true });
const anyStanding = fc.record({
  coverage: share,
  score: share,
  relative: share,
  rank: fc.integer({ min: 1, max: 5000 }),
});
const anyPair: fc.Arbitrary<Pair> = fc.record(
  {
    query: anyText,
    document: fc.record({
      docId: fc.constant('d'),
      title: anyText,
      brand: anyText,
      type: anyText,
      attributes: fc.dictionary(anyText, anyValue, { maxKeys: 4 }),
      text: anyText,
    }),
    standing: anyStanding,
  },
  { requiredKeys: ['query', 'document'] },
);
const anyConfig = fc
  .record({
    scaleSize: fc.integer({ min: 2, max: 6 }),
    instructionVersion: fc.integer({ min: 0, max: 3 }),
    caseFold: fc.boolean(),
    hints: fc.boolean(),
    standing: fc.boolean(),
    missing: fc.boolean(),
    maxWordsPerField: fc.record({
      query: fc.integer({ min: 1, max: 5 }),
      title: fc.integer({ min: 0, max: 5 }),
      attributes: fc.integer({ min: 0, max: 5 }),
      text: fc.integer({ min: 0, max: 40 }),
    }),
  })
  .map((config) => v.parse(promptConfigSchema, config));

describe('buildPrompt', () => {
  it('shows scale, instruction, query, non-empty fields in fixed order, hints and answer', () => {
    const { segments, cutFields } = buildPrompt(KETTLE);
    expect(describeSegments(segments)).toBe(
      '<|scale:4|><|instruction:0|><|query|> zorvex kettle 1.5 l<|title|> travel kettle<|brand|> zorvex<|type|> kettle' +
        '<|attributes|><|name|> capacity<|value|> 500 ml<|name|> cordless<|value|> yes<|name|> colours<|value|> red, blue' +
        '<|hint:query:2|><|hint:title:1|><|hint:brand:3|><|hint:type:3|><|hint:attributes:0|><|hint:text:0|><|hint:number:far|>' +
        '<|answer|>',
    );
    expect(cutFields).toEqual([]);
  });

  it('is rejected by name if it is cut short, goes on, or has text where a token belongs', () => {
    const { segments } = buildPrompt(KETTLE);
    for (const [changed, message] of [
      ...segments.map((_, length) => [segments.slice(0, length), /Got the end/u] as const),
      [[...segments, words('more')], /Expected the end\. Got text " more"/u],
      [[words('more'), ...segments], /at segment 0\..*Got text " more"/u],
    ] as const) {
      expect(() => parsePrompt(changed)).toThrow(
        expect.objectContaining({ code: 'bad-trace', message: expect.stringMatching(message) as string }),
      );
    }
  });

  it('uses only tokens of the vocabulary as special tokens', () => {
    fc.assert(
      fc.property(anyPair, anyConfig, (pair, config) => {
        for (const segment of buildPrompt(pair, config).segments) {
          if (segment.kind === 'special') expect(specialTokens(config)).toContain(segment.token);
        }
      }),
    );
  });

  it('keeps text that looks like a special token as text', () => {
    const pair: Pair = { query: '<|answer|> <|label:4:3|>', document: makeDocument({ title: '<|eos|>' }) };
    const { segments } = buildPrompt(pair, v.parse(promptConfigSchema, { hints: false }));
    expect(segments.filter(isText).map(({ text }) => text)).toEqual([' <|answer|> <|label:4:3|>', ' <|eos|>']);
    expect(parsePrompt(segments).query).toBe('<|answer|> <|label:4:3|>');
  });

  it('cuts over-long fields at a word boundary, and marks and reports them', () => {
    const config = v.parse(promptConfigSchema, {
      hints: false,
      maxWordsPerField: { query: 2, title: 1, attributes: 4 },
    });
    const { segments, cutFields } = buildPrompt(KETTLE, config);
    expect(describeSegments(segments)).toBe(
      '<|scale:4|><|instruction:0|><|query|> zorvex kettle<|cut|><|title|> travel<|cut|><|brand|> zorvex<|type|> kettle' +
        '<|attributes|><|name|> capacity<|value|> 500 ml<|cut|><|answer|>',
    );
    expect(cutFields).toEqual(['query', 'title', 'attributes']);
  });

  it('shows the words of the query that the title lacks behind the hints, and no query field, where it is asked to', () => {
    const config = v.parse(promptConfigSchema, {
      missing: true,
      folding: 2,
      maxWordsPerField: { query: 4, title: 0, brand: 0, type: 0, attributes: 0, text: 0 },
    });
    const pair: Pair = {
      query: 'Red kettles for the camp by Zorvex',
      document: makeDocument({ title: 'Kettle, red', brand: 'Zorvex', type: '', attributes: {}, text: '' }),
    };
    expect(describeSegments(buildPrompt(pair, config).segments)).toBe(
      '<|scale:4|><|instruction:0|><|query|><|hint:query:2|><|hint:title:2|><|hint:brand:3|><|hint:type:0|>' +
        '<|hint:attributes:0|><|hint:text:0|><|hint:number:none|>' +
        '<|verdict:absent|> camp zorvex<|answer|>',
    );
    expect(buildPrompt(pair, config).cutFields).toEqual([]);
    const short = buildPrompt(pair, { ...config, maxWordsPerField: { ...config.maxWordsPerField, query: 1 } });
    expect(describeSegments(short.segments)).toMatch(/<\|query\|><\|hint.*<\|verdict:absent\|> camp<\|answer\|>$/);
    expect(short.cutFields).toEqual(['query']);
  });

  it('omits a field whose limit is 0', () => {
    const config = v.parse(promptConfigSchema, { maxWordsPerField: { attributes: 0, brand: 0 } });
    const { segments, cutFields } = buildPrompt(KETTLE, config);
    expect(describeSegments(segments)).not.toMatch(/<\|attributes\|>|<\|brand\|>/);
    expect(cutFields).toEqual([]);
  });
});

describe('promptPrefix', () => {
  it('is a prefix of every prompt of its query and ends before the document', () => {
    fc.assert(
      fc.property(anyPair, anyConfig, (pair, config) => {
        const prefix = promptPrefix(pair.query, config);
        expect(buildPrompt(pair, config).segments.slice(0, prefix.length)).toEqual(prefix);
        const other = { query: pair.query, document: makeDocument({ title: 'other' }) };
        expect(buildPrompt(other, config).segments.slice(0, prefix.length)).toEqual(prefix);
      }),
    );
  });
});

describe('parsePrompt', () => {
  it('is the inverse of printing, however the text is split into pieces', () => {
    fc.assert(
      fc.property(anyPair, anyConfig, fc.integer({ min: 1, max: 4 }), (pair, config, size) => {
        const { cutFields, ...rest } = promptContent(pair, config);
        // A prompt that shows missing words has no cut token for the query.
        const printed = cutFields.filter((field) => field !== 'query' || rest.missing === null);
        const content = { ...rest, cutFields: printed };
        const segments = printPrompt({ ...rest, cutFields });
        expect(parsePrompt(segments)).toEqual(content);
        expect(parsePrompt(segments.flatMap((segment) => inPieces(segment, size)))).toEqual(content);
        expect(printPrompt(parsePrompt(segments))).toEqual(segments);
      }),
    );
  });

  it('returns the folded texts of the pair if nothing is cut', () => {
    fc.assert(
      fc.property(anyPair, fc.boolean(), fc.constantFrom(...FOLDING_VERSIONS), (pair, caseFold, folding) => {
        const same = (text: string): string => shownText(textFolding(folding), text, caseFold);
        const words = 200;
        const maxWordsPerField = {
          query: words,
          title: words,
          brand: words,
          type: words,
          attributes: words,
          text: words,
        };
        const config = v.parse(promptConfigSchema, { caseFold, folding, maxWordsPerField });
        const content = parsePrompt(buildPrompt(pair, config).segments);
        expect(content.cutFields).toEqual([]);
        expect(content.query).toBe(same(pair.query));
        for (const field of ['title', 'brand', 'type', 'text'] as const) {
          expect(content[field]).toBe(same(pair.document[field]));
        }
      }),
    );
  });

  it('reports the position where segments stop being a prompt', () => {
    const { segments } = buildPrompt(KETTLE);
    expect(() => parsePrompt(segments.slice(0, -1))).toThrow(
      /prompt cannot be read at segment \d+\. Expected <\|answer\|>\. Got the end/,
    );
    expect(() => parsePrompt(segments.slice(1))).toThrow(
      /at segment 0\. Expected a scale token\. Got <\|instruction:0\|>/,
    );
    expect(() => parsePrompt([...segments, ...segments])).toThrow(/Expected the end/);
  });
});

describe('promptConfigSchema', () => {
  it('has the documented defaults and rejects unknown keys', () => {
    expect(DEFAULT_PROMPT_CONFIG).toEqual({
      scaleSize: 4,
      instructionVersion: 0,
      caseFold: true,
      folding: 2,
      hints: true,
      standing: false,
      maxWordsPerField: { query: 24, title: 24, brand: 6, type: 6, attributes: 48, text: 32 },
    });
    expect(() => v.parse(promptConfigSchema, { hint: true })).toThrow();
    expect(() => v.parse(promptConfigSchema, { scaleSize: 7 })).toThrow();
  });
});

function isText(segment: Segment): segment is Extract<Segment, { kind: 'text' }> {
  return segment.kind === 'text';
}

function inPieces(segment: Segment, size: number): Segment[] {
  if (segment.kind === 'special') return [segment];
  const pieces: Segment[] = [];
  for (let i = 0; i < segment.text.length; i += size)
    pieces.push({ kind: 'text', text: segment.text.slice(i, i + size) });
  return pieces;
}
