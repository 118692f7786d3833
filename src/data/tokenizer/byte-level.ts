/**
 * The byte level of the tokenizer: text is split into pre-tokens, and the bytes of a pre-token are written as printable
 * characters so that a tokenizer file is readable JSON. Both follow GPT-2, like every reader of Hugging Face's
 * `tokenizer.json` (pre-tokenizer and decoder of type `ByteLevel`).
 *
 * Any text can be encoded: each pre-token is a sequence of bytes, and each of the 256 bytes is a token.
 */

/**
 * Contractions, then letters, digits or other characters with an optional space before them, then spaces. Source:
 * GPT-2's encoder.py.
 */
const PRE_TOKEN = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** Bytes that represent themselves: the printable ones of Latin-1, except the space and the soft hyphen. */
const PRINTABLE: readonly (readonly [first: number, last: number])[] = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
];

/**
 * The character of each byte: `BYTE_CHARACTERS[byte]`. Unprintable bytes map to the characters from U+0100 on, in
 * order.
 */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

/** The byte of each character of {@link BYTE_CHARACTERS}. */
export const CHARACTER_BYTES: ReadonlyMap<string, number> = new Map(
  BYTE_CHARACTERS.map((character, byte) => [character, byte]),
);

/** The 256 characters in token id order, which is code point order (as in GPT-2's vocabulary). */
export const BYTE_ALPHABET: readonly string[] = BYTE_CHARACTERS.toSorted((a, b) => a.charCodeAt(0) - b.charCodeAt(0));

/** Splits text into pre-tokens, which no merge crosses. Joined, they give the text. */
export function preTokens(text: string): readonly string[] {
  return text.match(PRE_TOKEN) ?? [];
}

/**
 * The UTF-8 bytes of a text, each as its character. Lone surrogates become U+FFFD, because UTF-8 cannot encode them.
 */
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
