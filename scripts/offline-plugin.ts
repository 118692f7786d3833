/**
 * Makes the build installable and usable offline: the web app manifest, and the offline copy
 * (workers/offline.worker.ts) with the list of the build's files.
 */
import { fileURLToPath } from 'node:url';
import type { PluginOption } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

/** The size limit of files in the offline copy; a larger file fails the build. */
const LARGEST_FILE_BYTES = 8 * 1024 * 1024;

/** Adds both to the build. */
export function offline(): PluginOption {
  return VitePWA({
    // The page registers it itself, under its Trusted Types policy and once the model is loaded.
    injectRegister: false,
    strategies: 'injectManifest',
    srcDir: fileURLToPath(new URL('../workers', import.meta.url)),
    filename: 'offline.worker.ts',
    includeManifestIcons: false,
    injectManifest: {
      rollupFormat: 'iife',
      globPatterns: ['index.html', 'icon.svg', 'assets/*', 'models/*/*', 'recordings/*.json'],
      // Read by transformers only, never by the page.
      globIgnores: ['models/*/{tokenizer,generation}_config.json', 'recordings/*.experiment.json', 'assets/*.woff'],
      maximumFileSizeToCacheInBytes: LARGEST_FILE_BYTES,
    },
    integration: {
      // The scripted page of the tests is built without public files, so there is nothing to install.
      configureOptions: ({ publicDir }, options) => {
        options.disable = publicDir === '';
      },
      configureCustomSWViteBuild: (build) => {
        build.logLevel = 'warn';
      },
    },
    // Without an `id` an app is identified by its start URL, so that one origin may serve several labs.
    manifest: {
      name: 'AFRL Lab',
      short_name: 'AFRL Lab',
      description: 'A laboratory in the browser for small relevance models that answer first and reason later.',
      start_url: './',
      scope: './',
      display: 'standalone',
      theme_color: '#f5f4ef',
      background_color: '#f5f4ef',
      icons: [
        { src: 'icons/icon-192.png', sizes: '192x192', type: 'image/png' },
        { src: 'icons/icon-512.png', sizes: '512x512', type: 'image/png' },
        { src: 'icons/maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
      ],
    },
  });
}
