/** Proofs of the scores of a file in the page: what they say of it, and checking one by scoring again. */
import { asStream } from '../../common/as-stream.ts';
import { sha256Hex } from '../../checkpoint/sha256.ts';
import { LabError } from '../../common/errors.ts';
import type { PairRow } from '../../data/files/pairs-file.ts';
import { isRules } from '../../infer/rules-model.ts';
import { onSoundBackend } from '../../infer/sound-backend.ts';
import type { FileScoring, Verified } from '../../protocol/files.ts';
import { checkProof, type ProofFacts, readProof } from '../../runs/score/score-proof.ts';
import { verifyScores } from '../../runs/score/verify-scores.ts';
import { lockScoring, notReady, type OpenFile, readingOf, readRows } from './open-file.ts';

/** A proof of a hundred million pairs has 13 MB. */
const MAX_PROOF_BYTES = 2 ** 26;

/** The facts of a proof that do not come of the scores. */
export async function proofFacts({ files, record, data }: OpenFile, scoring: FileScoring): Promise<ProofFacts> {
  const facts: ProofFacts['data'] = [];
  for (const { name, blob } of files) {
    const sha256 = await sha256Hex(new Uint8Array(await blob.arrayBuffer()));
    facts.push({ part: 'pairs', name, sha256, sizeBytes: blob.size });
  }
  const { sheet } = readingOf(record);
  return {
    model: { name: scoring.modelName, sha256: scoring.modelHash, labels: scoring.labelNames.length },
    backend: scoring.backend,
    ...(scoring.adapter !== undefined && { adapter: scoring.adapter }),
    precision: 'stored',
    data: facts,
    reading: { layout: data?.layout ?? 'table', sheet: sheet === '' ? null : sheet, columns: record.columns },
  };
}

/**
 * Checks a proof of an open file with the model that is prepared.
 *
 * @param windows - how many to score again; 0 for all
 * @throws {LabError} `bad-file` if it is no proof or of something else; `bad-config` while another tab scores the file;
 *   `aborted`
 */
export async function verifyFile(
  open: OpenFile,
  proofFile: Blob,
  windows: number,
  signal: AbortSignal,
): Promise<Verified> {
  const { model, record } = open;
  if (model === undefined) throw notReady();
  const scorer = model.model;
  if (isRules(scorer)) throw noProofOfRules();
  if (proofFile.size > MAX_PROOF_BYTES) {
    throw new LabError('bad-file', { message: 'The file is too large for a proof.', fix: 'Choose a proof.' });
  }
  const proof = readProof(await proofFile.text(), 'The file');
  checkProof(proof, await proofFacts(open, model.scoring));
  const rows = readRows(open);
  const scored = rows.seenBy(scorer);
  const release = await lockScoring(record);
  try {
    const sample = windows === 0 ? Infinity : windows;
    const found = await onSoundBackend(model.health, () =>
      verifyScores(scorer, asStream<PairRow>(scored), proof, { sample, signal }),
    );
    return { ...found, different: [...found.different], of: proof.pairs };
  } finally {
    release();
  }
}

/** The error for proofs of what rules alone have scored: anyone can execute them. */
export function noProofOfRules(): LabError {
  return new LabError('bad-config', {
    message: 'Proofs are of the scores of models.',
    fix: 'Score with a model, or keep the rules beside the export: executing them again gives the same labels.',
  });
}
