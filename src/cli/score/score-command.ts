/**
 * `lab score`: judges every pair of a file.
 *
 * Room `cli/score/`: `score` and `verify`, from rows to labels, exports and proofs. Reading of files is in `data/`,
 * what they share with the page in `runs/`.
 */
import { Command } from 'commander';
import {
  backendOption,
  decodingOption,
  EXACT_IDS,
  GENERAL_MODEL_FOLDER,
  modelOption,
  precisionOption,
  share,
  wholeNumber,
} from '../options.ts';
import { encoderOption, keepVectorsOption } from '../encoder-options.ts';
import { forceOption } from '../outputs.ts';
import { addReadingOptions } from '../pair-files.ts';
import { lazily } from '../lazily.ts';

export function scoreCommand(): Command {
  const command = new Command('score').argument(
    '<files...>',
    'TSV, CSV, JSON lines, JSON, .xlsx, .parquet, .zip or .gz; several that belong together; - for standard input',
  );
  return addReadingOptions(command)
    .option(
      '--labels <n>',
      'how many labels to answer with (default: as the grades if the model knows that scale; "general" knows 4 and 2)',
      wholeNumber(2),
    )
    .option('--grade-scale <n>', 'how many labels the grades of the file have (default: as they show)', wholeNumber(2))
    .option(
      '--limit <n>',
      'score only the first pairs, with the scores that they get in the whole file',
      wholeNumber(1),
    )
    .option(
      '--abstain-below <p>',
      'say which pairs should go to a person, because their label is less sure than this, and what is left',
      share,
    )
    .option('--reason', 'write the reasoning too (slower)')
    .addOption(decodingOption('the reasoning (default: grounded where the model has rules)'))
    .option('-o, --out <file>', 'write the scores and the columns of the file, as .csv, .tsv or .jsonl')
    .option('--bom', 'begin a .csv with the mark that Excel needs for UTF-8')
    .option(
      '--export <file>',
      'also write, when all is scored: .run and .qrels (TREC), .parquet, .html (a report); may be repeated',
      (path: string, before: readonly string[]) => [...before, path],
      [],
    )
    .option('--proof <file>', 'also write a proof that "lab verify" and the page can check')
    .addOption(forceOption())
    .option('--resume', 'continue writing an interrupted --out')
    .option('--strict', 'stop at the first row that cannot be read')
    .option('--json', 'print the summary as one line of JSON, last')
    .addOption(modelOption(GENERAL_MODEL_FOLDER))
    .option(
      '--rules-alone [file]',
      'score by executed rules, without a model: those of --model, or of an instruction as lab piar writes it',
    )
    .addOption(encoderOption())
    .addOption(keepVectorsOption())
    .addOption(precisionOption())
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
Columns are found by their usual names (query, title, docId, brand, grade, ...). Rows that cannot be read are named on
standard error and left out. If the file has grades, the summary has metrics.

${EXACT_IDS}

The default is the general model: it orders documents of any file by nearness of meaning, shared words and BM25. With an
encoder it orders better and takes longer. Asked for 4 labels it gives reasons by rules on shared words (--reason --labels 4).
"--model default" is the model of the rule world, which gives reasons and knows only that world.

Examples:
  npm run lab -- score pairs.tsv --out scored.csv
  npm run lab -- score pairs.jsonl.gz --docs docs.jsonl.gz --json
  npm run lab -- score pairs.tsv --encoder all-MiniLM-L6-v2 --keep-vectors vectors.safetensors --out scored.csv
  npm run lab -- score corpus.jsonl queries.jsonl qrels/test.tsv --out scored.csv
  npm run lab -- score pairs.tsv --rules-alone runs/piar/instruction.json --reason --out scored.csv
  npm run lab -- score judged.xlsx --sheet March --out scored.csv
  npm run lab -- score search.csv --column query=term --column title=name --reason --out scored.jsonl`,
    )
    .action(lazily(async () => (await import('./score-action.ts')).runScore));
}
