/**
 * What `lab verify` does.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import { type ColumnNames, ROLES } from '../../data/files/columns.ts';
import { TwoFiles } from '../../data/files/fields.ts';
import { readPairs } from '../../data/files/pairs-file.ts';
import { loadLabModel, ALL_MODEL_FILES, type ModelFileName, onScale } from '../../infer/lab-model.ts';
import { PRECISIONS } from '../../config/stored.ts';
import { modelHashOf, readProof, type ScoreProof } from '../../runs/score/score-proof.ts';
import { FileLists } from '../../runs/score/file-lists.ts';
import { type ReadRows, rowsToScore, surveyRows } from '../../runs/score/score-rows.ts';
import { verifyScores } from '../../runs/score/verify-scores.ts';
import { interruption } from '../interruption.ts';
import { readModelFiles } from '../model-folder.ts';
import { openNodeBackend } from '../node-backend.ts';
import { assertFile, openFiles, readDocuments } from '../pair-files.ts';
import { hashBytes, hashFile } from '../content-hashes.ts';
import { note, print, Progress } from '../terminal.ts';

interface VerifyOptions {
  readonly windows: number;
  readonly all?: boolean;
  readonly json?: boolean;
  readonly model: string;
}

/** A proof is small; one of a hundred million pairs has 13 MB. */
const MAX_PROOF_BYTES = 2 ** 26;

export async function runVerify(path: string, files: readonly string[], options: VerifyOptions): Promise<void> {
  await assertFile(path);
  const { size } = await stat(path);
  if (size > MAX_PROOF_BYTES) throw new LabError('bad-file', { message: `${path} is too large for a proof.` });
  const proof = readProof(await readFile(path, 'utf8'), basename(path));
  // Names in a proof are never paths.
  const given = files.length > 0 ? files : proof.data.map(({ name }) => join(dirname(path), basename(name)));
  const places = await checkFiles(given, proof);

  const modelFiles = await readModelFiles(options.model);
  const got = modelHash(modelFiles);
  if (got !== proof.model.sha256) throw differs(`The model ${options.model}`, proof.model.sha256, got);

  const { layout, sheet, columns } = proof.reading;
  const column: ColumnNames = Object.fromEntries(
    ROLES.flatMap((role) => (columns[role] === undefined ? [] : [[role, columns[role]]])),
  );
  const { data } = await openFiles(places.pairs, {
    docs: places.docs,
    queries: places.queries,
    format: layout,
    sheet: sheet ?? undefined,
    column,
  });
  const twoFiles = data.documents === undefined ? undefined : new TwoFiles();
  const documents = data.documents === undefined ? undefined : await readDocuments(data.documents, column, twoFiles);
  const signal = interruption();
  const opened = await openNodeBackend(proof.backend);
  if (opened.backend !== proof.backend) throw differs('The backend', proof.backend, opened.backend);
  const precision = PRECISIONS.find((name) => name === proof.precision);
  const model = onScale(await loadLabModel(modelFiles, precision), proof.model.labels);
  const how = { fileName: data.pairs.name, columns: column, documents, twoFiles };
  const read = (): ReadRows => readPairs(data.pairs.open(), how);
  const lists = model.prompt.standing ? new FileLists(model.prompt, documents) : undefined;
  if (lists !== undefined) await surveyRows(how.fileName, read(), () => undefined, lists);
  const rows = rowsToScore(read(), lists, model.vectors);
  const progress = new Progress(basename(path));
  const sample = options.all === true ? Infinity : options.windows;
  const found = await verifyScores(model, rows, proof, {
    sample,
    signal,
    onProgress: (done, of) => progress.update(done, of),
  });
  progress.end();
  const isSame = found.different.length === 0;
  if (options.json === true) print(JSON.stringify({ isSame, ...found, of: proof.pairs }));
  const count = (value: number): string => value.toLocaleString('en');
  if (!isSame) {
    const places_ = found.different.map(({ firstRow, lastRow }) => `${firstRow} to ${lastRow}`).join(', ');
    throw new LabError('bad-file', {
      message: `The scores of ${basename(path)} are not those of this model and these files.`,
      expected: 'the same scores',
      got: `others in rows ${places_}`,
      ...(proof.backend === 'webgpu' && {
        fix: `It was made on ${proof.adapter ?? 'another GPU'}, whose rounding may be its own.`,
      }),
    });
  }
  if (options.json !== true) {
    print(
      `${count(found.pairs)} of ${count(proof.pairs)} pairs scored again on ${proof.backend}: all scores are the same.`,
    );
    print('The files and the model are the same.');
    if (found.hasMore) {
      print(
        `The proof is of the first ${count(proof.pairs)} pairs alone; the file has more, which it says nothing of.`,
      );
    }
  }
}

/** The files of a proof by their part. @throws {LabError} `bad-file` if one is another */
async function checkFiles(
  given: readonly string[],
  proof: ScoreProof,
): Promise<{ readonly pairs: string[]; readonly docs: string | undefined; readonly queries: string | undefined }> {
  if (given.length !== proof.data.length) {
    throw new LabError('bad-config', {
      message: 'The files are not those of the proof.',
      expected: proof.data.map(({ name }) => name).join(', '),
      got: `${given.length} files`,
      fix: 'Name them in this order.',
    });
  }
  const pathsOf = new Map<string, string[]>();
  for (const [i, { name, sha256, part }] of proof.data.entries()) {
    const path = given[i] ?? '';
    await assertFile(path);
    const got = await hashFile(path);
    if (got !== sha256) throw differs(`The file ${name}`, sha256, got);
    pathsOf.set(part, [...(pathsOf.get(part) ?? []), path]);
  }
  note(`${proof.data.map(({ name }) => name).join(', ')}: as in the proof.`);
  return { pairs: pathsOf.get('pairs') ?? [], docs: pathsOf.get('docs')?.[0], queries: pathsOf.get('queries')?.[0] };
}

/** The hash of a model, as proofs have it. */
export function modelHash(files: ReadonlyMap<ModelFileName, Uint8Array>): string {
  return modelHashOf(
    ALL_MODEL_FILES.flatMap((name) => {
      const bytes = files.get(name);
      return bytes === undefined ? [] : [hashBytes([bytes])];
    }),
  );
}

function differs(what: string, expected: string, got: string): LabError {
  return new LabError('bad-file', {
    message: `${what} is not that of the proof.`,
    expected,
    got,
    fix: 'Give the same one; a proof holds for nothing else.',
  });
}
