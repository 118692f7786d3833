/**
 * The byte level of the tokenizer: how text is cut into pre-tokens, and how the bytes of a pre-token are written as
 * printable characters so that a tokenizer file stays readable JSON. Both are GPT-2's, as every reader of Hugging
 * Face's `tokenizer.json` (pre-tokenizer and decoder of type `ByteLevel`) has them.
 *
 * No text is out of reach: each pre-token is a run of bytes, and each of the 256 bytes is a token.
 */

/** Contractions, then letters, digits or other signs with one space before them, then spaces. Source: GPT-2's encoder.py. */
const PRE_TOKEN = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** Bytes that stand for themselves: the printable ones of Latin-1, without the space and the soft hyphen. */
const PRINTABLE: readonly (readonly [first: number, last: number])[] = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
];

/** The character of each byte: `BYTE_CHARACTERS[byte]`. Unprintable bytes take the characters from U+0100 on, in order. */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

/** The byte of each character of {@link BYTE_CHARACTERS}. */
export const CHARACTER_BYTES: ReadonlyMap<string, number> = new Map(
  BYTE_CHARACTERS.map((character, byte) => [character, byte]),
);

/** The 256 characters in the order of their token ids, which is that of their code points (as in GPT-2's vocabulary). */
export const BYTE_ALPHABET: readonly string[] = BYTE_CHARACTERS.toSorted((a, b) => a.charCodeAt(0) - b.charCodeAt(0));

/** Cuts text into pre-tokens, which no merge crosses; joined, they are the text again. */
export function preTokens(text: string): readonly string[] {
  return text.match(PRE_TOKEN) ?? [];
}

/** The UTF-8 bytes of a text, each as its character. Lone surrogates become U+FFFD, as UTF-8 cannot hold them. */
export function toByteCharacters(text: string): string {
  let characters = '';
  for (const byte of new TextEncoder().encode(text)) characters += BYTE_CHARACTERS[byte] ?? '';
  return characters;
}

/** The bytes of a token; undefined if a character of it is not in the alphabet. */
export function fromByteCharacters(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = CHARACTER_BYTES.get(token.charAt(i));
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

function byteCharacters(): string[] {
  let spare = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = PRINTABLE.some(([first, last]) => byte >= first && byte <= last);
    return String.fromCharCode(printable ? byte : spare++);
  });
}
