/**
 * `lab recipe vectors`: static vectors distilled from a sentence encoder (vectors/make-vectors.ts).
 */
import { join } from 'node:path';
import { GENERAL_SETS } from '../../studies/judged/general-recipe.ts';
import { SET_FILES } from '../../studies/judged/real-data.ts';
import { documentValues } from '../../relevance/pair/document-text.ts';
import { currentFolding } from '../../relevance/pair/text-folding.ts';
import { choosePieces, makeVectors } from '../../vectors/make-vectors.ts';
import { writeVectors } from '../../vectors/static-vectors.ts';
import { sha256Hex } from '../../checkpoint/sha256.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { readEncoderFolder } from '../encoder-folder.ts';
import { interruption } from '../interruption.ts';
import { openNodeBackend } from '../node-backend.ts';
import { checkOutputFile, writeOutput } from '../outputs.ts';
import { readDataFiles } from '../pair-files.ts';
import { note, print } from '../terminal.ts';

interface VectorsOptions {
  readonly encoder: string;
  readonly origin: string;
  readonly license: string;
  readonly width: number;
  readonly pieces: number;
  readonly out: string;
  readonly force?: boolean;
  readonly backend: BackendChoice;
}

export async function runVectors(root: string, options: VectorsOptions): Promise<void> {
  const { encoder: folder, origin, license, width, pieces: most, out, force } = options;
  const rules = { inputs: [root, folder], force };
  await checkOutputFile(out, rules);
  const signal = interruption();
  const { backend, device } = await openNodeBackend(options.backend);
  note(`${backend}: ${device}.`);
  const documents: string[] = [];
  for (const { id } of GENERAL_SETS) {
    const files = { docs: join(root, id, SET_FILES.documents), column: {} };
    const set = await readDataFiles([join(root, id, SET_FILES.pairs)], files);
    for (const document of set.documents) documents.push(documentValues(document).join(' '));
  }
  const encoder = await readEncoderFolder(folder);
  const { tokenizer, config } = encoder;
  const chosen = choosePieces(tokenizer.pieces, documents, currentFolding(), most);
  note(`${chosen.pieces.length.toLocaleString('en')} pieces, through the encoder one by one.`);
  const vectors = await encoder.encodeIds(chosen.ids.map((id) => tokenizer.between([id])), signal); // prettier-ignore
  const alone = new Float32Array(vectors.length * config.width);
  for (const [i, vector] of vectors.entries()) alone.set(vector, i * config.width);
  encoder.dispose();
  const made = makeVectors(chosen, alone, width, { origin, license });
  const bytes = writeVectors(made);
  await writeOutput(out, rules, [bytes]);
  note(
    `${made.pieces.length.toLocaleString('en')} pieces, ${width} numbers each, ${bytes.length.toLocaleString('en')} bytes.`,
  );
  note(`SHA-256 ${await sha256Hex(bytes)}.`);
  print(out);
}
