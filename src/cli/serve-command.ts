/**
 * `lab serve`: a model behind HTTP on this machine, in the shapes that other programs ask rerankers in.
 */
import { Command } from 'commander';
import { MAX_DOCUMENTS } from './rerank-request.ts';
import { backendOption, GENERAL_MODEL_FOLDER, modelOption, precisionOption, wholeNumber } from './options.ts';
import { lazily } from './lazily.ts';

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
    .action(lazily(async () => (await import('./serve-action.ts')).runServe));
}
