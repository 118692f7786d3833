/** A results file without its curves, made at build time by scripts/results-extract-plugin.ts. */
declare module '*.json?extract' {
  const extract: unknown;
  export default extract;
}
