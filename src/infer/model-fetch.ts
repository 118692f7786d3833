/**
 * Fetches a model folder (lab-model.ts) from the page's origin, file by file, and reports progress.
 */
import { LabError, messageOf } from '../common/errors.ts';
import { chunksOf } from '../data/files/text-stream.ts';
import { VECTORS_FILE } from '../vectors/static-vectors.ts';
import type { LoadProgress } from '../protocol/scoring.ts';
import { MODEL_FILES, type ModelFileName } from './lab-model.ts';

/** The limit of a model file, checked while it arrives. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;

/**
 * Fetches the files of a model.
 *
 * @param modelUrl - of the folder, with a trailing slash
 * @throws {LabError} `not-found`, or `bad-file` for one that is too large
 */
export async function fetchModel(
  modelUrl: string,
  onProgress: (progress: LoadProgress) => void,
): Promise<Map<ModelFileName, Uint8Array>> {
  const responses = await Promise.all(MODEL_FILES.map((name) => fetchFile(modelUrl, name)));
  const names: ModelFileName[] = [...MODEL_FILES];
  if (showsMeaning((await responses[MODEL_FILES.indexOf('lab.json')]?.clone().text()) ?? '')) {
    names.push(VECTORS_FILE);
    responses.push(await fetchFile(modelUrl, VECTORS_FILE));
  }
  const sizes = responses.map((response) => Number(response.headers.get('content-length') ?? NaN));
  const sum = sizes.reduce((total, size) => total + size, 0);
  // With compressed transfer the length is that of the compressed bytes, so the total is unknown.
  const isCompressed = responses.some((response) => response.headers.has('content-encoding'));
  const totalBytes = Number.isFinite(sum) && !isCompressed ? sum : null;
  let receivedBytes = 0;
  const files = new Map<ModelFileName, Uint8Array>();
  for (const [index, name] of names.entries()) {
    const response = responses[index];
    if (response === undefined) continue;
    files.set(
      name,
      await readBody(response, name, (bytes) => {
        receivedBytes += bytes;
        onProgress({ stage: 'files', receivedBytes, totalBytes });
      }),
    );
  }
  return files;
}

/**
 * Whether the prompts of a model show similarities, for which there are vectors; whether the file is whole is checked
 * later.
 */
function showsMeaning(labFile: string): boolean {
  return /"meaning":\s*true/u.test(labFile);
}

async function fetchFile(modelUrl: string, name: ModelFileName): Promise<Response> {
  const url = new URL(name, modelUrl);
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new LabError('not-found', {
      message: `The model file ${name} could not be fetched: ${messageOf(cause)}.`,
      fix: 'Check the connection and reload the page.',
      cause,
    });
  }
  // A development or single-page server answers a missing file with its index page.
  const isPage = (response.headers.get('content-type') ?? '').startsWith('text/html');
  if (response.ok && !isPage) return response;
  throw new LabError('not-found', {
    message: `The model file ${name} is not there.`,
    expected: `a file at ${url.pathname}`,
    got: isPage ? 'a web page' : `status ${response.status}`,
  });
}

async function readBody(response: Response, name: string, onBytes: (bytes: number) => void): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (response.body === null) return new Uint8Array();
  // Leaving the loop by an error cancels the download.
  for await (const value of chunksOf(response.body)) {
    length += value.length;
    if (length > MAX_FILE_BYTES) {
      throw new LabError('bad-file', {
        message: `The model file ${name} is too large.`,
        expected: `at most ${MAX_FILE_BYTES} bytes`,
        got: 'more',
      });
    }
    chunks.push(value);
    onBytes(value.length);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
