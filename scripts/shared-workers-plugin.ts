/**
 * Builds the workers together with the page. Vite builds each worker separately, with its own copy of tfjs; as entries
 * of one build they share one, which a visitor fetches once.
 */
import type { Plugin } from 'vite';

const SUFFIX = '?worker&url';

/** Handles `import url from './some.worker.ts?worker&url'` in place of vite in builds. */
export function sharedWorkers(): Plugin {
  return {
    name: 'shared-workers',
    apply: 'build',
    enforce: 'pre',
    load: {
      filter: { id: /\?worker&url$/u },
      handler(id) {
        const chunk = this.emitFile({ type: 'chunk', id: id.slice(0, -SUFFIX.length) });
        return `export default import.meta.ROLLUP_FILE_URL_${chunk};`;
      },
    },
  };
}
