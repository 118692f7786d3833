/** Chat templates are rendered with marks in place of the texts, in bounded time. */
import { describe, expect, it } from 'vitest';
import { chatFrame } from '../../../src/infer/chat-frame.ts';

const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

describe('the frame of a chat template', () => {
  it('is what stands around the texts', () => {
    expect(chatFrame(CHATML, {})).toEqual({
      open: '<|im_start|>system\n',
      middle: '<|im_end|>\n<|im_start|>user\n',
      close: '<|im_end|>\n<|im_start|>assistant\n',
    });
  });

  it('has thinking off, and the tokens that the template names', () => {
    const template = `{{ bos_token }}${CHATML}{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}`;
    const { open, close } = chatFrame(template, { bos: '<s>' });
    expect(open).toBe('<s><|im_start|>system\n');
    expect(close).toMatch(/<think>\n\n<\/think>\n\n$/u);
  });

  it('puts the instruction before the pair where there is no system text', () => {
    const template =
      "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}[{{ m.content }}]{% endfor %}";
    expect(chatFrame(template, {})).toEqual({ open: '[', middle: '\n\n', close: ']' });
    expect(chatFrame('{{ messages[-1].content }}!', {})).toEqual({ open: '', middle: '\n\n', close: '!' });
  });

  it.each([
    ['endless loops', '{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}'],
    ['a range without end', '{% for a in range(1e15) %}x{% endfor %}'],
    ['a range that stands still', '{% for a in range(0, 1, 0) %}x{% endfor %}'],
    [
      'a text that doubles',
      "{% set ns = namespace(t='x') %}{% for a in range(60) %}{% set ns.t = ns.t + ns.t %}{% endfor %}",
    ],
    ['no text', 'hello'],
    ['the text twice', '{{ messages[0].content }}{{ messages[0].content }}'],
    ['something else', '{% if %}'],
    ['a deep expression', `{{ ${'('.repeat(9000)}1${')'.repeat(9000)} }}`],
    ['too much', ' '.repeat(70_000)],
  ])('is refused for a template with %s', (_, template) => {
    expect(() => chatFrame(template, {})).toThrow(/chat template/u);
  });

  it('cannot reach the program', () => {
    expect(() => chatFrame("{{ messages.constructor.constructor('return process')() }}", {})).toThrow(/chat template/u);
  });
});
