/**
 * SHA-256 of bytes in every context. Browsers provide it to secure pages only, but the lab may be opened from a plain
 * http:// address in a local network. There @noble/hashes computes the same digest, several times slower.
 */
import { sha256 } from '@noble/hashes/sha2.js';

/**
 * The SHA-256 of some bytes as 64 hexadecimal digits; computed by the browser if it can, else by
 * {@link sha256Portable}.
 */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto.subtle; // undefined on a page that is not secure
  if (subtle === undefined) return sha256Portable(bytes);
  return hexOf(new Uint8Array(await subtle.digest('SHA-256', bytes)));
}

/** The digest of bytes that come in pieces, in plain JavaScript. */
export class Sha256 {
  readonly #hash = sha256.create();

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** The digest of all pieces; none can be added afterwards. */
  hex(): string {
    return hexOf(this.#hash.digest());
  }
}

/** The same digest in plain JavaScript. */
export function sha256Portable(bytes: Uint8Array): string {
  return hexOf(sha256(bytes));
}

/** Two hexadecimal digits per byte. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
