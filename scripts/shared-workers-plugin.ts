/**
 * Builds the workers together with the page. Vite builds each worker by itself, so that every one brings a tfjs of its
 * own; as entries of one build they share it, and a visitor fetches it once.
 */
import type { Plugin } from 'vite';

const SUFFIX = '?worker&url';

/** Takes `import url from './some.worker.ts?worker&url'` over from vite in builds. */
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
