/** The commit that the page was built from; `unknown` outside a repository. Defined in vite.config.ts. */
declare const LAB_COMMIT: string;

/** A results file without its curves, made at build time by scripts/results-extract-plugin.ts. */
declare module '*.json?extract' {
  const extract: unknown;
  export default extract;
}
