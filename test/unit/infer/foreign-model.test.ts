/** Language models that the lab did not make answer the same from each of their forms, kept or not. */
import { beforeAll, describe, expect, it } from 'vitest';
import { arraySource, type ByteSource } from '../../../src/checkpoint/byte-source.ts';
import { readGgufModel, readHuggingFaceModel } from '../../../src/infer/foreign-model.ts';
import { answerPair } from '../../../src/infer/answer.ts';
import { disposeLabModel, loadLabModel, type ModelSource, readLabModel } from '../../../src/infer/lab-model.ts';
import type { ScoringEvent } from '../../../src/protocol/scoring.ts';
import { makeDocument } from '../../../src/relevance/pair/pair.ts';
import { wholeFiles } from '../../../src/runs/models/whole-files.ts';
import { toFolderFiles } from '../../../src/runs/models/model-files.ts';
import { foreignFolder, foreignGguf } from '../../reference/foreign-model.ts';
import { useBackend } from '../../reference/backends.ts';

const PAIR = { query: 'blue kettle 500 ml', document: makeDocument({ title: 'Zorvex kettle, blue', text: 'quiet' }) };

async function answersOf(files: ModelSource): Promise<ScoringEvent[]> {
  const model = await loadLabModel(files);
  const events: ScoringEvent[] = [];
  await answerPair(model, PAIR, { emit: (event) => events.push(event) });
  disposeLabModel(model);
  return events;
}

function labelOf(events: readonly ScoringEvent[]) {
  const label = events.find((event) => event.kind === 'label');
  if (label === undefined) throw new Error('no label');
  return label;
}

const fromGguf = async (...args: Parameters<typeof foreignGguf>): Promise<ModelSource> =>
  readGgufModel(arraySource(await foreignGguf(...args)), 'foreign.gguf');
async function fromFiles(files: Iterable<readonly [string, ByteSource]>): Promise<ModelSource> {
  const model = await readHuggingFaceModel(new Map(files), 'foreign');
  if (model === undefined) throw new Error('not the folder of a foreign model');
  return model;
}
const fromFolder = (more: Iterable<readonly [string, ByteSource]> = []): Promise<ModelSource> =>
  fromFiles([...foreignFolder(), ...more]);
const text = (value: unknown): ByteSource => arraySource(new TextEncoder().encode(JSON.stringify(value)));

describe('a foreign model', () => {
  let plain: ScoringEvent[];
  beforeAll(async () => {
    await useBackend('wasm');
    plain = await answersOf(await fromFolder());
  });

  it('answers with a label, then with reasons held to the pair', () => {
    const { probabilities, labelMass } = labelOf(plain);
    expect(probabilities).toHaveLength(4);
    expect(labelMass).toBeGreaterThan(0);
    expect(plain.at(-1)).toMatchObject({ kind: 'done', complete: true, restated: labelOf(plain).label });
  });

  it('answers the same from a GGUF file, and from halves nearly so', async () => {
    const { prefillMs: _, ...same } = labelOf(await answersOf(await fromGguf('F32')));
    expect(same).toEqual(
      expect.objectContaining({
        promptTokens: labelOf(plain).promptTokens,
        probabilities: labelOf(plain).probabilities,
      }),
    );
    expect(labelOf(await answersOf(await fromGguf('F16'))).score).toBeCloseTo(labelOf(plain).score, 2);
  });

  it.each(['F32', 'F16', 'Q8_0', 'Q4_0'] as const)(
    'keeps its answers when it is kept as a folder, from %s',
    async (type) => {
      const before = await answersOf(await fromGguf(type));
      const whole = await wholeFiles(await fromGguf(type));
      const after = await answersOf(whole);
      expect(labelOf(after).probabilities).toEqual(labelOf(before).probabilities);
      expect(after.filter(({ kind }) => kind === 'text')).toEqual(before.filter(({ kind }) => kind === 'text'));
      expect([...toFolderFiles(whole).keys()]).toEqual(
        expect.arrayContaining(['config.json', 'tokenizer.json', 'lab.json']),
      );
    },
  );

  it('is known by its weights', async () => {
    const hashOf = async (files: ModelSource): Promise<string | undefined> => readLabModel(files).card.imported?.sha256;
    expect(await hashOf(await fromGguf('F16'))).toMatch(/^[0-9a-f]{64}$/u);
    expect(await hashOf(await fromGguf('F16'))).toBe(await hashOf(await fromGguf('F16')));
    expect(await hashOf(await fromGguf('F16'))).not.toBe(await hashOf(await fromGguf('Q8_0')));
  });

  it.each<[string, () => Promise<ModelSource>, RegExp]>([
    [
      'another architecture',
      () => fromGguf('F32', [['general.architecture', 'gemma']]),
      /general\.architecture.*gemma/u,
    ],
    [
      'another tokenizer',
      () => fromGguf('F32', [['tokenizer.ggml.model', 'llama']]),
      /tokenizer\.ggml\.model.*byte-level BPE.*llama/u,
    ],
    [
      'an unknown splitting',
      () => fromGguf('F32', [['tokenizer.ggml.pre', 'viking']]),
      /tokenizer\.ggml\.pre.*smollm.*viking/u,
    ],
    ['no weights', () => fromFiles([...foreignFolder()].slice(0, 3)), /no model\.safetensors/u],
    [
      'a broken template',
      () => fromFolder([['tokenizer_config.json', text({ eos_token: '<|im_end|>', chat_template: '{{' })]]),
      /chat template/u,
    ],
    ['no end', () => fromFolder([['tokenizer_config.json', text({ eos_token: '<|other|>' })]]), /<\|other\|>/u],
    [
      'a broken file',
      () => fromFolder([['config.json', arraySource(new TextEncoder().encode('{'))]]),
      /config\.json of the model is not JSON/u,
    ],
  ])('is refused with %s', async (_, read, message) => {
    await expect(read()).rejects.toThrow(message);
  });
});
