/**
 * Encoders on disk: folders as Hugging Face publishes them, and what they have read before.
 */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LabError } from '../common/errors.ts';
import { ENCODER_FILES, type EncoderFileName, SentenceEncoder } from '../encoder/sentence-encoder.ts';
import { scaleOf } from '../encoder/similarity-scale.ts';
import { TitleEncoder } from '../encoder/title-encoder.ts';
import type { LabModel } from '../infer/lab-model.ts';
import type { Pair } from '../relevance/pair/pair.ts';
import type { VectorSource } from '../relevance/prompt/meaning.ts';
import { KeptVectors } from '../vectors/kept-vectors.ts';
import { writeWhole } from './outputs.ts';
import { hashBytes } from './content-hashes.ts';
import { isErrno, systemError } from './system-errors.ts';
import { note, Progress } from './terminal.ts';

export interface EncoderOptions {
  readonly encoder?: string;
  readonly keepVectors?: string;
}

/** An encoder that compares titles, and the identity of its files. */
export interface OpenedEncoder {
  readonly source: VectorSource;
  /** Reads pairs, says how far it is, and keeps what is new. */
  readonly read: (pairs: Iterable<Pair>) => Promise<void>;
  readonly sha256: string;
}

/**
 * Loads an encoder onto the current backend.
 *
 * @throws {LabError} `not-found` if a file is missing; what {@link SentenceEncoder.load} throws
 */
export async function readEncoderFolder(folder: string): Promise<SentenceEncoder> {
  return SentenceEncoder.load(await readEncoderFiles(folder));
}

/** A model that compares titles by the encoder of the options; the same model where they name none. */
export async function withEncoder(
  model: LabModel,
  options: EncoderOptions,
  signal?: AbortSignal,
): Promise<{ readonly model: LabModel; readonly sha256?: string }> {
  if (options.encoder === undefined) {
    if (options.keepVectors === undefined) return { model };
    throw new LabError('bad-config', {
      message: '--keep-vectors is about the vectors of an encoder.',
      fix: 'Name one with --encoder.',
    });
  }
  if (model.vectors === undefined) {
    throw new LabError('bad-config', {
      message: `${model.card.name} compares no meanings, so that an encoder would change nothing.`,
      fix: 'Leave out --encoder, or take "--model general".',
    });
  }
  const { source, read, sha256 } = await openEncoder(
    model.vectors.source,
    options.encoder,
    options.keepVectors,
    signal,
  );
  return { model: { ...model, vectors: { ...model.vectors, source, read } }, sha256 };
}

/**
 * Loads an encoder that compares titles.
 *
 * @param passages - what compares the rest
 * @param keptPath - the file of vectors that it has made before, made where it is missing
 * @throws {LabError} as {@link readEncoderFolder}, and what {@link KeptVectors.read} throws
 */
export async function openEncoder(
  passages: VectorSource,
  folder: string,
  keptPath: string | undefined,
  signal?: AbortSignal,
): Promise<OpenedEncoder> {
  const files = await readEncoderFiles(folder);
  const sha256 = hashBytes(files.values());
  const encoder = SentenceEncoder.load(files);
  const kept = await readKept(keptPath, { encoder: sha256, width: encoder.config.width });
  note(`Titles are compared by ${basename(folder)}${keptPath === undefined ? '' : `; ${kept.size.toLocaleString('en')} vectors were kept`}.`); // prettier-ignore
  const source = new TitleEncoder(encoder, passages, kept, await scaleOf(encoder, passages, signal));
  const keep = (): Promise<void> => (keptPath === undefined ? Promise.resolve() : writeWhole(keptPath, kept.write()));
  const read: OpenedEncoder['read'] = async (pairs) => {
    const progress = new Progress('texts read by the encoder');
    let saved = 0;
    try {
      const count = await source.read(pairs, {
        signal,
        onProgress: async (done, all) => {
          if (all > FEW_TEXTS) progress.update(done, all);
          // Now and then, because an interruption would lose what took minutes.
          if (done - saved < SAVED_EVERY) return;
          saved = done;
          await keep();
        },
      });
      if (count > saved) await keep();
    } finally {
      progress.end();
    }
  };
  return { source, read, sha256 };
}

/** Texts that take no longer than a line about them. */
const FEW_TEXTS = 8;
/** Texts after which the file of kept vectors is written again. */
const SAVED_EVERY = 8192;

async function readKept(
  path: string | undefined,
  expected: { readonly encoder: string; readonly width: number },
): Promise<KeptVectors> {
  if (path === undefined) return new KeptVectors(expected.encoder, expected.width);
  try {
    return KeptVectors.read(await readFile(path), path, expected);
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return new KeptVectors(expected.encoder, expected.width);
    throw cause instanceof LabError ? cause : systemError(cause, `read ${path}`);
  }
}

async function readEncoderFiles(folder: string): Promise<Map<EncoderFileName, Uint8Array>> {
  const files = new Map<EncoderFileName, Uint8Array>();
  for (const name of ENCODER_FILES) {
    try {
      files.set(name, await readFile(join(folder, name)));
    } catch (cause) {
      if (!isErrno(cause, 'ENOENT') && !isErrno(cause, 'ENOTDIR'))
        throw systemError(cause, `read ${join(folder, name)}`);
      throw new LabError('not-found', {
        message: `The encoder's file ${join(folder, name)} is not there.`,
        expected: `a folder with ${ENCODER_FILES.join(', ')}, for example of all-MiniLM-L6-v2`,
        fix: 'Name the folder of a sentence encoder of the BERT family.',
        cause,
      });
    }
  }
  return files;
}
