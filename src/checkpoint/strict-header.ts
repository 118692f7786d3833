/**
 * Checks on a safetensors header that `JSON.parse` does not make: repeated names in an object (the last would silently
 * win), sizes that are not plain digits (2.0, 2e0, -0), texts that are not valid Unicode, and excessive nesting. The
 * reference implementation makes the same checks.
 */

/** A violation in a header. */
export interface HeaderFlaw {
  readonly problem: string;
  readonly expected: string;
  readonly got: string;
}

/** The limit of the reference parser. */
const MAX_DEPTH = 128;
/** Fields of a tensor that contain sizes. */
const SIZES: ReadonlySet<string> = new Set(['shape', 'data_offsets']);
const SHOWN_CHARS = 100;

/** An object or array that the scan is inside. */
interface Frame {
  /** The names of an object so far; undefined for an array. */
  readonly names: Set<string> | undefined;
  /** The name whose value is being read; an array inherits the name it is under. */
  name: string;
  /** Whether the next string is a name. */
  expectsName: boolean;
}

/**
 * The first flaw of a header.
 *
 * @param json - a text that `JSON.parse` accepts
 */
export function findHeaderFlaw(json: string): HeaderFlaw | undefined {
  const frames: Frame[] = [];
  for (let at = 0; at < json.length; at++) {
    const frame = frames.at(-1);
    switch (json[at]) {
      case '{':
        frames.push({ names: new Set(), name: '', expectsName: true });
        break;
      case '[':
        frames.push({ names: undefined, name: frame?.name ?? '', expectsName: false });
        break;
      case '}':
      case ']':
        frames.pop();
        break;
      case ',':
        if (frame?.names !== undefined) frame.expectsName = true;
        break;
      case '"': {
        const end = endOfText(json, at);
        const flaw = takeText(JSON.parse(json.slice(at, end)) as string, frame);
        if (flaw !== undefined) return flaw;
        at = end - 1;
        break;
      }
      case '-':
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
      case '8':
      case '9': {
        const [written = ''] = numberAt(json, at);
        if (SIZES.has(frame?.name ?? '') && !/^\d+$/u.test(written)) {
          return {
            problem: `a size under "${frame?.name}" is not written as digits`,
            expected: 'digits',
            got: brief(written),
          };
        }
        at += written.length - 1;
        break;
      }
      default: // white space, a colon, or a letter of true, false and null
    }
    if (frames.length > MAX_DEPTH) {
      return { problem: 'the header is nested too deeply', expected: `at most ${MAX_DEPTH} levels`, got: 'more' };
    }
  }
  return undefined;
}

/** Whether a text has an unpaired surrogate, which UTF-8 cannot encode. */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

function takeText(text: string, frame: Frame | undefined): HeaderFlaw | undefined {
  if (hasLoneSurrogate(text)) {
    return { problem: 'a text of the header is not Unicode', expected: 'whole characters', got: brief(text) };
  }
  if (frame?.names === undefined || !frame.expectsName) return undefined;
  if (frame.names.has(text)) {
    return { problem: 'a name is repeated in an object', expected: 'each name once', got: brief(text) };
  }
  frame.names.add(text);
  frame.name = text;
  frame.expectsName = false;
  return undefined;
}

/** The position after the closing quote of the string that starts at `start`. */
function endOfText(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

function numberAt(json: string, at: number): readonly string[] {
  const number = /[-+.\deE]+/uy;
  number.lastIndex = at;
  return number.exec(json) ?? [];
}

function brief(text: string): string {
  return JSON.stringify(text).slice(0, SHOWN_CHARS);
}
