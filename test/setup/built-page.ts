/** Builds the page, or the scripted page of test/harness, and serves the build as `npm start` does. */
import { build, type InlineConfig, preview, type PreviewServer } from 'vite';

/** The page, built into a folder of `.cache`, one for each user, because a build empties it. */
export function pageIn(folder: string): InlineConfig {
  return { build: { outDir: `.cache/${folder}`, emptyOutDir: true } };
}

export const PAGE = pageIn('e2e-page');
export const HARNESS: InlineConfig = {
  root: 'test/harness',
  publicDir: false,
  build: { outDir: '../../.cache/e2e-harness', emptyOutDir: true },
};

/** Serves a build on a free port of this machine. */
export async function buildAndServe(config: InlineConfig): Promise<PreviewServer> {
  const shared: InlineConfig = { ...config, configFile: 'vite.config.ts', mode: 'production', logLevel: 'warn' };
  await build(shared);
  return preview({ ...shared, preview: { port: 0, open: false } });
}

export function addressOf(server: PreviewServer): string {
  const address = server.resolvedUrls?.local[0];
  if (address === undefined) throw new Error('vite preview gave no local address for the built page.');
  return address;
}
