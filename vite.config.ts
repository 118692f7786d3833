/**
 * The build of the page: one HTML file, its workers and static files. It runs from any folder of any static server, and
 * after the first visit without one.
 *
 * The page may talk to its own origin only, and says so itself in a Content-Security-Policy: no inline script or style,
 * no foreign request, script URLs only through named Trusted Types policies (`lit-html` for templates, `afrl-lab` for
 * the workers' URLs). A `<meta>` does not reach workers, so the server of `npm start` sends policies as headers.
 */
import { readFileSync } from 'node:fs';
import { currentCommit } from './src/cli/current-commit.ts';
import { defineConfig, type Plugin } from 'vite';
import { offline } from './scripts/offline-plugin.ts';
import { resultsExtract } from './scripts/results-extract-plugin.ts';
import { sharedWorkers } from './scripts/shared-workers-plugin.ts';
import { tfjsThreads } from './scripts/tfjs-threads-plugin.ts';

/** `npm start` over https, which other machines need: LAB_TLS_CERT and LAB_TLS_KEY name PEM files (docs/classroom.md). */
const { LAB_TLS_CERT: certFile, LAB_TLS_KEY: keyFile } = process.env;
const HTTPS =
  certFile === undefined || keyFile === undefined
    ? {}
    : { https: { cert: readFileSync(certFile), key: readFileSync(keyFile) } };

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html afrl-lab',
].join('; ');

/** What a page can only say in a header: no other page may show it in a frame. The page checks that itself too. */
const HEADER_POLICY = `${PAGE_POLICY}; frame-ancestors 'none'`;

/** No Trusted Types here: tfjs starts its threads by plain URL. Workers have no document that could be injected into. */
const WORKER_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  // `blob:` for the worker that src/gpu/threads.ts tries whether threads start with.
  "worker-src 'self' blob:",
  "connect-src 'self'",
].join('; ');

/** Isolation, which WebAssembly threads need; the lab also works on hosts that do not send it. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Writes the policy into the built page; not in development, where vite injects inline styles and scripts. */
function policyInPage(): Plugin {
  return {
    name: 'policy-in-page',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: PAGE_POLICY },
        injectTo: 'head-prepend',
      },
    ],
  };
}

/** Sends the policies as headers; on a script's response they matter where it is the script of a worker. */
function policyHeaders(): Plugin {
  return {
    name: 'policy-headers',
    configurePreviewServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        const isScript = new URL(request.url ?? '/', 'http://host').pathname.endsWith('.js');
        response.setHeader('Content-Security-Policy', isScript ? WORKER_POLICY : HEADER_POLICY);
        next();
      });
    },
  };
}

export default defineConfig({
  base: './',
  define: { LAB_COMMIT: JSON.stringify(currentCommit()) },
  build: {
    target: 'es2023',
    // light-dark() is left to the browser: every browser with WebGPU has it.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // Workers are built with the page, and have no document to preload into.
    modulePreload: false,
    // Most of a build's time is the workers' and the offline copy's; to be told so each time helps nobody.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  worker: { format: 'es' },
  // `npm run dev` prepares packages for the browser. What only workers import it would meet late, and then start anew.
  optimizeDeps: { entries: ['index.html', 'workers/*.worker.ts'] },
  plugins: [policyInPage(), policyHeaders(), resultsExtract(), sharedWorkers(), tfjsThreads(), offline()],
  // A port of its own: an offline copy answers for its whole origin, and vite's usual 4173 serves other projects too.
  preview: { port: 4747, headers: ISOLATION, ...HTTPS },
});
