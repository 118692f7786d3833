/**
 * Encoders on disk: folders as Hugging Face publishes them.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../common/errors.ts';
import { ENCODER_FILES, type EncoderFileName, SentenceEncoder } from '../encoder/sentence-encoder.ts';
import { isErrno, systemError } from './system-errors.ts';

/**
 * Loads an encoder onto the current backend.
 *
 * @throws {LabError} `not-found` if a file is missing; what {@link SentenceEncoder.load} throws
 */
export async function readEncoderFolder(folder: string): Promise<SentenceEncoder> {
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
  return SentenceEncoder.load(files);
}
