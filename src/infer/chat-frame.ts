/**
 * What a model's chat template puts around the texts of a prompt. The template is rendered once, with marks in place of
 * the texts, and cut at them; it never sees a text, so that no text can become structure.
 *
 * Templates come with models and are programs: `@huggingface/jinja` interprets them, in a bounded number of steps.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { LabError, messageOf } from '../common/errors.ts';
import type { ChatFrame } from '../relevance/prompt/wording.ts';

/** Far above the templates of any model: Qwen3's has 4,000 characters and takes about 300 steps. */
const MOST_CHARACTERS = 65_536;
const MOST_STEPS = 100_000;

/** Private-use characters, which no template has. */
const SYSTEM_MARK = '\ue000';
const USER_MARK = '\ue001';

/** The special tokens that templates name by variables. */
export interface TemplateTokens {
  readonly bos?: string | undefined;
  readonly eos?: string | undefined;
}

/** Without a template: the texts as they are. */
export const PLAIN_FRAME: ChatFrame = { open: '', middle: '\n\n', close: '\n' };

/**
 * The frame of a chat template, with thinking off. A template that takes no system text has the instruction before the
 * pair in the user's.
 *
 * @throws {LabError} `bad-config` if the template cannot be rendered, or leaves a text out
 */
export function chatFrame(template: string, { bos = '', eos = '' }: TemplateTokens): ChatFrame {
  if (template.length > MOST_CHARACTERS) {
    throw badTemplate(`at most ${MOST_CHARACTERS} characters`, String(template.length));
  }
  const tokens = { bos_token: bos, eos_token: eos };
  const system = { role: 'system', content: SYSTEM_MARK };
  const user = { role: 'user', content: USER_MARK };
  const [open, middle, close] = cutAt([SYSTEM_MARK, USER_MARK], attempt(template, [system, user], tokens));
  if (open !== undefined && middle !== undefined && close !== undefined) return { open, middle, close };
  const [before, after] = cutAt([USER_MARK], render(template, [user], tokens));
  if (before !== undefined && after !== undefined) return { open: before, middle: '\n\n', close: after };
  throw badTemplate('a template that shows the text of the user once', 'none, or more than once');
}

/** The parts of a text between marks, which it has once each and in this order; none otherwise. */
function cutAt(marks: readonly string[], text: string | undefined): readonly string[] {
  const parts = text?.split(new RegExp(`[${marks.join('')}]`, 'u')) ?? [];
  const found = (text ?? '').match(new RegExp(`[${marks.join('')}]`, 'gu')) ?? [];
  return found.join('') === marks.join('') ? parts : [];
}

type Message = Readonly<Record<'role' | 'content', string>>;

/** As {@link render}; undefined for a template that refuses the messages. */
function attempt(
  template: string,
  messages: readonly Message[],
  tokens: Readonly<Record<string, string>>,
): string | undefined {
  try {
    return render(template, messages, tokens);
  } catch {
    return undefined;
  }
}

function render(template: string, messages: readonly Message[], tokens: Readonly<Record<string, string>>): string {
  const values = { ...tokens, messages, tools: null, add_generation_prompt: true, enable_thinking: false };
  try {
    const environment = new Environment();
    for (const [name, value] of Object.entries({ ...GLOBALS, ...values })) environment.set(name, value);
    // The options of transformers.
    const program = parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true }));
    const { value } = new BoundedInterpreter(environment).run(program) as { readonly value: string };
    return value;
  } catch (cause) {
    const expected = 'a template that @huggingface/jinja renders for a message of a user';
    throw badTemplate(expected, messageOf(cause), cause);
  }
}

/** Interprets a template in a bounded number of steps, none of which makes a long text. */
class BoundedInterpreter extends Interpreter {
  #steps = 0;

  override evaluate(
    ...[statement, environment]: Parameters<Interpreter['evaluate']>
  ): ReturnType<Interpreter['evaluate']> {
    this.#steps += 1;
    if (this.#steps > MOST_STEPS) throw new RangeError(`more than ${MOST_STEPS} steps`);
    const result = super.evaluate(statement, environment);
    if (typeof result.value === 'string' && result.value.length > MOST_CHARACTERS) {
      throw new RangeError(`a text of more than ${MOST_CHARACTERS} characters`);
    }
    return result;
  }
}

/** What templates may use besides their variables. There is no clock: a prompt does not depend on the day. */
const GLOBALS: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception: (message: string) => {
    throw new Error(message);
  },
  range: (start: number, stop?: number, step = 1): number[] => {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    const count = Math.max(0, Math.ceil((to - from) / step));
    if (!(count <= MOST_STEPS)) throw new RangeError(`a range of ${count} numbers`);
    return Array.from({ length: count }, (_, i) => from + i * step);
  },
};

function badTemplate(expected: string, got: string, cause?: unknown): LabError {
  return new LabError('bad-config', {
    message: 'The chat template of the model cannot be used.',
    expected,
    got,
    fix: 'Remove chat_template to have the texts as they are.',
    cause,
  });
}
