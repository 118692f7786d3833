/**
 * Model folders as transformers reads them: the tokenizer by `@huggingface/tokenizers`, from the same two files as
 * AutoTokenizer; the Python libraries themselves are tested by docs/transformers-check.py.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODEL_PRESETS } from '../../../../src/config/presets.ts';
import { fromHuggingFaceConfig, toHuggingFaceConfig } from '../../../../src/config/model-config.ts';
import { writeModelFolder } from '../../../../src/cli/model-folder.ts';
import { writeSafetensors } from '../../../../src/checkpoint/safetensors.ts';
import { Rng } from '../../../../src/common/rng.ts';
import { trainBpe } from '../../../../src/data/tokenizer/bpe-trainer.ts';
import { LabTokenizer } from '../../../../src/data/tokenizer/tokenizer.ts';
import { MODEL_FILES, readLabModel, readWeightTensors } from '../../../../src/infer/lab-model.ts';
import { quantiseWeights, toFileTensors } from '../../../../src/model/stored-weights.ts';
import { initialWeights } from '../../../../src/model/weights.ts';
import { SPECIAL_TOKENS } from '../../../../src/relevance/pair/vocabulary.ts';
import type { Segment } from '../../../../src/relevance/trace/segments.ts';
import { makeLabFile } from '../../../../src/runs/models/lab-file.ts';
import { jsonBytes, toFolderFiles } from '../../../../src/runs/models/model-files.ts';
import { makeTransformersFiles, tokenIdsOf } from '../../../../src/runs/models/transformers-files.ts';
import { SMALL_CARD, SMALL_PROMPT, SMALL_WORLD, smallModelFiles } from '../../../reference/small-lab-model.ts';
import fixture from '../../../fixtures/bpe-reference.json' with { type: 'json' };

const BUNDLED = ['default', 'general', 'lab-nano-start', 'lab-nano-balanced', 'lab-nano-collapsed', 'lab-nano-student'];

/** Words, digits, signs and spaces of many scripts, none of it the text of a special token. */
const plainText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'kettle',
        ' red',
        "don't",
        ' 1.5',
        ' l',
        '  ',
        '\n',
        '\t',
        '1234567890',
        'ÄÖü',
        'cafe\u0301',
        ' ①½',
      ),
      fc.constantFrom(
        '電気ケトル',
        ' ＡＢＣ',
        'ﬁn',
        'İstanbul',
        ' ß',
        '\u00ad',
        '\u200b',
        '🫖',
        '👩‍🔬',
        ' ـعربي',
        'ไทย',
        '<|',
        '|>',
      ),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.string({ unit: 'grapheme-ascii', maxLength: 12 }),
      fc.nat().map(String),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))
  .filter((text) => !SPECIAL_TOKENS.some((token) => text.includes(token)));

/** Texts with structure between them, as prompts and completions have it. */
const anySegments = fc
  .array(fc.tuple(plainText, fc.array(fc.constantFrom(...SPECIAL_TOKENS), { minLength: 1, maxLength: 3 })), {
    maxLength: 6,
  })
  .map((parts) =>
    parts.flatMap(([text, tokens]): Segment[] => [
      { kind: 'text', text },
      ...tokens.map((token): Segment => ({ kind: 'special', token })),
    ]),
  );

function printed(segments: readonly Segment[]): string {
  return segments.map((segment) => (segment.kind === 'text' ? segment.text : segment.token)).join('');
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
}

/** The tokenizer of a folder by both libraries. */
async function tokenizersOf(folder: string): Promise<{ lab: LabTokenizer; auto: Tokenizer }> {
  const json = await readJson(join(folder, 'tokenizer.json'));
  const settings = await readJson(join(folder, 'tokenizer_config.json'));
  return { lab: LabTokenizer.fromJson(json), auto: new Tokenizer(json, settings) };
}

let written: string;

beforeAll(async () => {
  written = join(await mkdtemp(join(tmpdir(), 'afrl-transformers-')), 'model');
  const config = MODEL_PRESETS['lab-nano'];
  const vocabSize = SPECIAL_TOKENS.length + 320;
  await writeModelFolder(written, {
    config,
    weights: initialWeights(config, new Rng(1)),
    dtype: 'f32',
    tokenizer: LabTokenizer.fromJson(trainBpe(fixture.texts, { vocabSize, specialTokens: SPECIAL_TOKENS })),
    lab: makeLabFile(SMALL_WORLD, SMALL_PROMPT),
    card: SMALL_CARD,
  });
});

afterAll(() => rm(join(written, '..'), { recursive: true }));

describe('a model folder', () => {
  it('has the files that transformers looks for, and no others', async () => {
    const names = [...MODEL_FILES, 'generation_config.json', 'tokenizer_config.json'];
    expect((await readdir(written)).toSorted()).toEqual(names.toSorted());
    const [config, tokenizer, generation] = await Promise.all(
      ['config.json', 'tokenizer_config.json', 'generation_config.json'].map((name) => readJson(join(written, name))),
    );
    expect(config).toMatchObject({ model_type: 'qwen3', eos_token_id: 1, pad_token_id: 0 });
    expect(generation).toMatchObject({ eos_token_id: 1, pad_token_id: 0 });
    expect(tokenizer).toMatchObject({
      tokenizer_class: 'PreTrainedTokenizerFast',
      eos_token: '<|eos|>',
      pad_token: '<|pad|>',
      padding_side: 'left',
    });
  });

  it("has padding and end ids within the model's vocabulary", async () => {
    const { lab, auto } = await tokenizersOf(written);
    const config = await readJson(join(written, 'config.json'));
    expect([auto.token_to_id('<|pad|>'), auto.token_to_id('<|eos|>')]).toEqual([
      lab.idOf('<|pad|>'),
      lab.idOf('<|eos|>'),
    ]);
    expect(Math.max(Number(config['pad_token_id']), Number(config['eos_token_id']))).toBeLessThan(
      Number(config['vocab_size']),
    );
  });

  it("encodes text to the lab's ids", async () => {
    const { lab, auto } = await tokenizersOf(written);
    fc.assert(
      fc.property(plainText, (text) => {
        expect(auto.encode(text).ids).toEqual(lab.encodeText(text));
      }),
      { numRuns: 600 },
    );
  });

  it("encodes a whole prompt to the lab's ids, with its structure as special tokens", async () => {
    const { lab, auto } = await tokenizersOf(written);
    fc.assert(
      fc.property(anySegments, (segments) => {
        expect(auto.encode(printed(segments)).ids).toEqual(lab.encode(segments));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a folder made of the files of a model', () => {
  const files = smallModelFiles();
  const decode = (bytes: Uint8Array | undefined): Record<string, unknown> =>
    JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;

  it('has the files for transformers, even if an older version wrote the model', () => {
    const { eos_token_id: _eos, pad_token_id: _pad, ...older } = decode(files.get('config.json'));
    for (const config of [older, { ...older, eos_token_id: 7 }]) {
      const made = toFolderFiles(new Map(files).set('config.json', jsonBytes(config)));
      expect(decode(made.get('config.json'))).toEqual({ ...older, eos_token_id: 1, pad_token_id: 0 });
      expect(decode(made.get('tokenizer_config.json'))).toMatchObject({ padding_side: 'left' });
      expect(made.get('model.safetensors')).toBe(files.get('model.safetensors'));
    }
  });

  it('is unchanged if the weights are quantised', async () => {
    const weights = await readWeightTensors(readLabModel(files));
    const quantised = new Map(files).set(
      'model.safetensors',
      writeSafetensors(toFileTensors(quantiseWeights(weights, 8))),
    );
    expect(toFolderFiles(quantised)).toBe(quantised);
  });
});

describe.each(BUNDLED)('the bundled model %s', (name) => {
  const folder = join('public/models', name);

  it('has the files that an export writes', async () => {
    const config = await readJson(join(folder, 'config.json'));
    const { lab } = await tokenizersOf(folder);
    const shape = fromHuggingFaceConfig(config);
    expect(config).toEqual({ ...toHuggingFaceConfig(shape), ...tokenIdsOf(lab) });
    for (const [file, json] of Object.entries(makeTransformersFiles(shape, lab))) {
      expect(await readJson(join(folder, file)), file).toEqual(json);
    }
  });

  it("encodes text to the lab's ids", async () => {
    const { lab, auto } = await tokenizersOf(folder);
    fc.assert(
      fc.property(plainText, (text) => {
        expect(auto.encode(text).ids).toEqual(lab.encodeText(text));
      }),
    );
  });
});
