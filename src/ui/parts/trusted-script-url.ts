/**
 * The one way a script URL leaves this page. Where the browser enforces Trusted Types, a worker's URL has to be a value
 * that a named policy made; ours stands for "a script of this page's own origin" and refuses anything else.
 */
import { LabError } from '../../common/errors.ts';

/** The part of the Trusted Types API used here; TypeScript's DOM library does not know it yet. */
interface TrustedTypesHost {
  readonly trustedTypes?: {
    createPolicy(
      name: string,
      rules: { createScriptURL(url: string): string },
    ): { createScriptURL(url: string): { toString(): string } };
  };
}

const { trustedTypes } = globalThis as TrustedTypesHost;
// Made once: a policy's name can be used only once in a page.
const policy = trustedTypes?.createPolicy('afrl-lab', { createScriptURL: ownOrigin });

/**
 * The URL as the `Worker` constructor takes it; relative to the page.
 *
 * @throws {LabError} `internal` for a URL of another origin.
 */
export function trustedScriptUrl(url: string): string {
  // A TrustedScriptURL stands where a string would; the DOM library's types do not say so yet.
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
