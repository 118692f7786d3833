/** The encoder of `lab recipe general --encoder`, which reads the queries and titles of both sets. */
import { basename } from 'node:path';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import type { VectorSource } from '../../relevance/prompt/meaning.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { type GeneralPart, rereadBy } from '../../studies/judged/general-recipe.ts';
import type { RealRecipe } from '../../studies/judged/real-data.ts';
import { type EncoderOptions, openEncoder } from '../encoder-folder.ts';
import { interruption } from '../interruption.ts';
import { openNodeBackend } from '../node-backend.ts';

export interface GeneralEncoder {
  /** For the results. */
  readonly identity: { readonly name: string; readonly sha256: string };
  /** Encodes what the test parts of all folds have, which is what the set has. */
  readonly read: (set: RealRecipe, parts: readonly GeneralPart[]) => Promise<void>;
  /** Pairs of a set that was read, with the encoder's similarities. */
  readonly reread: (set: RealRecipe, pairs: readonly JudgedPair[]) => JudgedPair[];
  /** The name of the stage of its predictions for a set. */
  readonly stageOf: (id: string) => string;
}

/** @param passages - what compares passages */
export async function openGeneralEncoder(
  passages: VectorSource,
  { encoder: folder, keepVectors, backend }: EncoderOptions & { readonly backend: BackendChoice },
): Promise<GeneralEncoder | undefined> {
  if (folder === undefined) return undefined;
  await openNodeBackend(backend);
  const { source, read, sha256 } = await openEncoder(passages, folder, keepVectors, interruption());
  const rereaders = new Map<string, ReturnType<typeof rereadBy>>();
  return {
    identity: { name: basename(folder), sha256 },
    read: async ({ id }, parts) => {
      const pairs = parts.flatMap(({ test }) => test);
      await read(pairs);
      rereaders.set(id, rereadBy(source, pairs));
    },
    reread: ({ id }, pairs) => rereaders.get(id)?.(pairs) ?? [...pairs],
    stageOf: (id) => `${id}-${sha256.slice(0, 8)}`,
  };
}
