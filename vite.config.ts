/**
 * The build of the page: one HTML file, one worker, static files; it runs from any folder of any static server.
 *
 * The page may talk to its own origin only, and says so itself in a Content-Security-Policy: no inline script or style,
 * no foreign request, script URLs only through named Trusted Types policies (`lit-html` for templates, `afrl-lab` for
 * the worker's URL). A `<meta>` does not reach workers, so the server of `npm start` sends the same policy as a header.
 */
import { defineConfig, type Plugin } from 'vite';

const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html afrl-lab',
].join('; ');

/** Writes the policy into the built page; not in development, where vite injects inline styles and scripts. */
function contentSecurityPolicy(): Plugin {
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY },
        injectTo: 'head-prepend',
      },
    ],
  };
}

export default defineConfig({
  base: './',
  build: {
    target: 'es2023',
    // light-dark() is left to the browser: every browser with WebGPU has it.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
  plugins: [contentSecurityPolicy()],
  preview: { headers: { 'Content-Security-Policy': POLICY } },
});
