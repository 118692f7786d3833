/**
 * Imports of `docs/results/<id>.json?extract` give the results of an experiment without its curves and its settings, which are
 * most of the file: the page's lessons need the numbers at the end of each run and what was found.
 */
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'vite';

const QUERY = '?extract';

interface ResultsFile {
  readonly arms: readonly { readonly name: string; readonly seeds: readonly object[] }[];
}

/** The same file by the same schema, but for what lessons do not read. */
export function extractOf<File extends ResultsFile>(file: File): File {
  const arms = file.arms.map(({ name, seeds }) => ({ name, seeds: seeds.map((seed) => ({ ...seed, curve: [] })) }));
  return { ...file, config: null, arms };
}

export function resultsExtract(): Plugin {
  return {
    name: 'results-extract',
    enforce: 'pre',
    load: {
      filter: { id: /\.json\?extract$/u },
      async handler(id) {
        const path = id.slice(0, -QUERY.length);
        this.addWatchFile(path);
        const extract = extractOf(JSON.parse(await readFile(path, 'utf8')) as ResultsFile);
        return { code: `export default ${JSON.stringify(extract)};`, moduleType: 'js' };
      },
    },
  };
}
