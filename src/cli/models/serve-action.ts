/**
 * The action of `lab serve`.
 */
import { loadLabModel, type LabModel } from '../../infer/lab-model.ts';
import { scoreStream } from '../../infer/score-pairs.ts';
import { describeMemory } from '../../model/memory.ts';
import type { Precision } from '../../model/stored-weights.ts';
import { normalisedRelevance } from '../../relevance/pair/labels.ts';
import { textFolding } from '../../relevance/pair/text-folding.ts';
import { Bm25 } from '../../relevance/prompt/bm25.ts';
import { listed } from '../../relevance/prompt/listed.ts';
import { asStream } from '../../common/as-stream.ts';
import { rounded } from '../../runs/score/score-record.ts';
import { interruption } from '../interruption.ts';
import { readModelFiles } from '../model-folder.ts';
import { openNodeBackend } from '../node-backend.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { type ServedPair, type ServedScore, startServer } from './rerank-server.ts';
import { note, print } from '../terminal.ts';

interface ServeOptions {
  readonly model: string;
  readonly precision?: Precision;
  readonly backend: BackendChoice;
  readonly port: number;
  readonly maxWaiting: number;
  readonly maxBytes: number;
}

export async function runServe({
  model: folder,
  precision,
  backend,
  port,
  maxWaiting,
  maxBytes,
}: ServeOptions): Promise<void> {
  const files = await readModelFiles(folder);
  const signal = interruption();
  const opened = await openNodeBackend(backend);
  const model = await loadLabModel(files, precision);
  note(`${model.card.name} on ${opened.backend}: ${opened.device}. Memory: ${describeMemory(model.transformer)}.`);
  const { url, close } = await startServer({
    port,
    maxWaiting,
    maxBytes,
    about: { status: 'ok', model: model.card.name, backend: opened.backend, labels: model.scale.names },
    score: (pairs, gone) => scoresOf(model, pairs, gone),
  });
  print(`Listening on ${url}`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await close();
  note('Stopped.');
}

/** The scores of pairs, with BM25 standings among those of the query if the prompts of the model contain them. */
async function scoresOf(
  model: LabModel,
  pairs: readonly ServedPair[],
  signal: AbortSignal,
): Promise<readonly ServedScore[]> {
  const { prompt, scale, vectors } = model;
  const asked = pairs.map((pair) => ({ ...pair, queryId: '' }));
  const index = prompt.standing
    ? Bm25.of(
        pairs.map(({ document }) => document),
        textFolding(prompt.folding),
      )
    : undefined;
  const items = listed(asked, index, vectors).map((pair, place) => ({ pair, place }));
  const scores: ServedScore[] = [];
  const nameOf = ({ place }: { readonly place: number }): string => `document ${place}`;
  for await (const { score } of scoreStream(model, asStream(items), signal, { nameOf })) {
    const { label, probabilities } = score;
    scores.push({
      label,
      labelName: scale.names[label] ?? '',
      relevance: rounded(normalisedRelevance(probabilities)),
      probabilities: probabilities.map(rounded),
    });
  }
  return scores;
}
