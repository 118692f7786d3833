/**
 * Version 1 of folding: lower case, Unicode NFC and single spaces.
 */
import { type TextFolding, WORD } from './folding.ts';

/** NFC text with single spaces and none at its ends; case is kept. */
export function tidyText(text: string): string {
  return text.normalize('NFC').replace(/\s+/gu, ' ').trim();
}

/** {@link tidyText} in lower case. Idempotent; Text folded by any version stays unchanged. */
export function foldText(text: string): string {
  return tidyText(text.toLowerCase());
}

export class PlainFolding implements TextFolding {
  readonly version = 1;

  fold(text: string): string {
    return foldText(text);
  }

  words(text: string): string[] {
    return foldText(text).replaceAll(/['’]/gu, '').match(WORD) ?? [];
  }
}
