/**
 * `lab serve`: a model behind HTTP on this machine, in the request shapes of common rerankers.
 */
import { Command } from 'commander';
import { MAX_DOCUMENTS } from './rerank-request.ts';
import { backendOption, GENERAL_MODEL_FOLDER, modelOption, precisionOption, wholeNumber } from '../options.ts';
import { lazily } from '../lazily.ts';

export function serveCommand(): Command {
  return new Command('serve')
    .option('--port <n>', 'the port to listen on, 0 for any free one', wholeNumber(0), 8080)
    .option('--max-waiting <n>', 'the maximum number of waiting requests; others get status 503', wholeNumber(0), 32)
    .option(
      '--max-bytes <n>',
      'the maximum number of bytes of a request; larger ones get status 413',
      wholeNumber(1),
      4 * 2 ** 20,
    )
    .addOption(modelOption(GENERAL_MODEL_FOLDER))
    .addOption(precisionOption())
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
Listens on 127.0.0.1 only and does not answer web pages. /rerank accepts requests of Cohere, Jina ("documents") and Text
Embeddings Inference ("texts"), and answers in their shape, with the label added to the score. A document is a text or an
object with title, text, brand, type and attributes; at most ${MAX_DOCUMENTS} are accepted. /score accepts
{"pairs": [{"query", "document"}]}. Documents of one query are ranked among each other, as rows of a file are. Ctrl-C
answers the requests received so far, and ends.

Example:
  npm run lab -- serve --port 8080
  curl http://127.0.0.1:8080/rerank -H 'Content-Type: application/json' \\
    -d '{"query": "steel kettle", "documents": ["Kettle of steel", "Wooden spoon"]}'`,
    )
    .action(lazily(async () => (await import('./serve-action.ts')).runServe));
}
