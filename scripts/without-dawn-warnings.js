/**
 * Filters the warnings that Dawn prints about the machine: limits of a driver that are larger than Dawn knows, and a
 * missing Vulkan library with the place in Dawn's source that looked for it. They concern nothing that the lab uses
 * (without Vulkan it names its own backend), are written by C++ directly to standard error, and cannot be turned off.
 */
const LIMITS =
  /^Warning: maxDynamic(?:Uniform|Storage)BuffersPerPipelineLayout artificially reduced from \d+ to \d+ to fit dynamic offset allocation limit\.\r?\n$/u;
const NO_VULKAN = /^Warning: Couldn't load Vulkan: .*\r?\n$/u;
/** A line of the stack below a warning; the last one is empty. */
const PLACE = /^ {4}at .*\bdawn\b.*\r?\n$/u;
const EMPTY = /^\r?\n$/u;
const BEGINNINGS = ['Warning: maxDynamic', "Warning: Couldn't load Vulkan", '    at '];

/**
 * Forwards text without these lines; everything else at once, including incomplete lines.
 *
 * @param {(text: string) => void} write
 * @returns {{ push: (text: string) => void, end: () => void }}
 */
export function withoutDawnWarnings(write) {
  let held = '';
  /** Whether the last complete line was one of a warning with a stack, to which the next ones may belong. */
  let isInWarning = false;
  /** @param {string} text */
  const pass = (text) => {
    if (text !== '') write(text);
  };
  /** @param {string} line */
  const isKept = (line) => {
    const wasInWarning = isInWarning;
    isInWarning = NO_VULKAN.test(line) || (wasInWarning && PLACE.test(line));
    return !(isInWarning || LIMITS.test(line) || (wasInWarning && EMPTY.test(line)));
  };
  return {
    push: (text) => {
      held += text;
      const lines = held.split(/(?<=\n)/u);
      const last = lines.at(-1)?.endsWith('\n') === true ? '' : (lines.pop() ?? '');
      const kept = lines.filter(isKept).join('');
      // An incomplete line that may become part of a warning waits for the rest.
      const mayBecomeOne = BEGINNINGS.some((each) => last.startsWith(each) || each.startsWith(last)) || last === '\r';
      held = mayBecomeOne ? last : '';
      pass(kept + (mayBecomeOne ? '' : last));
    },
    end: () => pass(held),
  };
}
