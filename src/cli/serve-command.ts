/**
 * `lab serve`: a model behind HTTP on this machine, in the shapes that other programs ask rerankers in.
 */
import { Command } from 'commander';
import { loadLabModel, type LabModel } from '../infer/lab-model.ts';
import { scoreStream } from '../infer/score-pairs.ts';
import { describeMemory } from '../model/memory.ts';
import type { Precision } from '../model/stored-weights.ts';
import { MAX_DOCUMENTS } from './rerank-request.ts';
import { normalisedRelevance } from '../relevance/pair/labels.ts';
import { textFolding } from '../relevance/pair/text-folding.ts';
import { Bm25 } from '../relevance/prompt/bm25.ts';
import { withStanding } from '../relevance/prompt/standing.ts';
import { interruption } from './interruption.ts';
import { readModelFiles } from './model-folder.ts';
import { openNodeBackend } from './node-backend.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import { backendOption, GENERAL_MODEL_FOLDER, modelOption, precisionOption, wholeNumber } from './options.ts';
import { type ServedPair, type ServedScore, startServer } from './rerank-server.ts';
import { note, print } from './terminal.ts';

interface ServeOptions {
  readonly model: string;
  readonly precision?: Precision;
  readonly backend: BackendChoice;
  readonly port: number;
  readonly maxWaiting: number;
  readonly maxBytes: number;
}

export function serveCommand(): Command {
  return new Command('serve')
    .description('answer other programs of this machine: POST /rerank and POST /score')
    .option('--port <n>', 'where to listen, 0 for any free port', wholeNumber(0), 8080)
    .option('--max-waiting <n>', 'requests that may wait; more get status 503', wholeNumber(0), 32)
    .option('--max-bytes <n>', 'the most bytes of a request; more get status 413', wholeNumber(1), 4 * 2 ** 20)
    .addOption(modelOption(GENERAL_MODEL_FOLDER))
    .addOption(precisionOption())
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
It listens on 127.0.0.1 alone and answers no page of a browser. /rerank takes what Cohere, Jina ("documents") and Text
Embeddings Inference ("texts") take, and answers in their shape, with the label beside the score; a document is a text or an
object with title, text, brand, type and attributes, at most ${MAX_DOCUMENTS} of them. /score takes {"pairs": [{"query", "document"}]}.
Documents of one query are placed among each other, as rows of a file are. Ctrl-C answers what has been asked, and ends.

Example:
  npm run lab -- serve --port 8080
  curl http://127.0.0.1:8080/rerank -H 'Content-Type: application/json' \\
    -d '{"query": "steel kettle", "documents": ["Kettle of steel", "Wooden spoon"]}'`,
    )
    .action(runServe);
}

async function runServe({
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
  const model = loadLabModel(files, precision);
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

/** Scores of pairs, with standings among those of the same query if the prompts of the model have them. */
async function scoresOf(
  model: LabModel,
  pairs: readonly ServedPair[],
  signal: AbortSignal,
): Promise<readonly ServedScore[]> {
  const { prompt, scale } = model;
  const asked = pairs.map((pair) => ({ ...pair, queryId: '' }));
  const index = prompt.standing
    ? new Bm25(
        pairs.map(({ document }) => document),
        textFolding(prompt.folding),
      )
    : undefined;
  const placed = index === undefined ? asked : withStanding(asked, index);
  const items = placed.map((pair, place) => ({ pair, place }));
  const scores: ServedScore[] = [];
  const nameOf = ({ place }: { readonly place: number }): string => `document ${place}`;
  for await (const { score } of scoreStream(model, streamOf(items), signal, { nameOf })) {
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

/** Six decimals: more are noise of 32-bit floats. */
function rounded(value: number): number {
  return Number(value.toFixed(6));
}

async function* streamOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
