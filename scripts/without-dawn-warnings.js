/**
 * Filters two warnings that Dawn prints for every adapter whose driver reports larger limits than Dawn knows. They
 * concern nothing that the lab uses, are written by C++ directly to standard error, and cannot be turned off.
 */
const WARNING =
  /^Warning: maxDynamic(?:Uniform|Storage)BuffersPerPipelineLayout artificially reduced from \d+ to \d+ to fit dynamic offset allocation limit\.\r?\n$/u;
const BEGINNING = 'Warning: maxDynamic';

/**
 * Forwards text without these lines; everything else at once, including incomplete lines.
 *
 * @param {(text: string) => void} write
 * @returns {{ push: (text: string) => void, end: () => void }}
 */
export function withoutDawnWarnings(write) {
  let held = '';
  /** @param {string} text */
  const pass = (text) => {
    if (text !== '') write(text);
  };
  return {
    push: (text) => {
      held += text;
      const lines = held.split(/(?<=\n)/u);
      const last = lines.at(-1)?.endsWith('\n') === true ? '' : (lines.pop() ?? '');
      // An incomplete line that may become a warning waits for the rest.
      const mayBecomeOne = last.startsWith(BEGINNING) || BEGINNING.startsWith(last);
      held = mayBecomeOne ? last : '';
      pass(lines.filter((line) => !WARNING.test(line)).join('') + (mayBecomeOne ? '' : last));
    },
    end: () => pass(held),
  };
}
