/**
 * The only source of script URLs in this page. Where the browser enforces Trusted Types, a worker's URL must be a value
 * made by a named policy; ours accepts scripts of this page's own origin and rejects anything else.
 */
import { LabError } from '../../../common/errors.ts';

/** The part of the Trusted Types API used here; TypeScript's DOM library does not include it yet. */
interface TrustedTypesHost {
  readonly trustedTypes?: {
    createPolicy(
      name: string,
      rules: { createScriptURL(url: string): string },
    ): { createScriptURL(url: string): { toString(): string } };
  };
}

const { trustedTypes } = globalThis as TrustedTypesHost;
// Created once, because a policy's name can be used only once in a page.
const policy = trustedTypes?.createPolicy('afrl-lab', { createScriptURL: ownOrigin });

/**
 * The URL for the `Worker` constructor, relative to the page.
 *
 * @throws {LabError} `internal` for a URL of another origin.
 */
export function trustedScriptUrl(url: string): string {
  // Worker accepts a TrustedScriptURL in place of a string; the DOM library's types do not include that yet.
  return policy === undefined ? ownOrigin(url) : (policy.createScriptURL(url) as string);
}

function ownOrigin(url: string): string {
  const absolute = new URL(url, document.baseURI);
  if (absolute.origin === location.origin) return absolute.href;
  throw new LabError('internal', {
    message: 'A worker script is on another origin.',
    expected: location.origin,
    got: absolute.origin,
  });
}
