/**
 * The version of the running code, recorded with results so that they can be reproduced.
 */
import { execFileSync } from 'node:child_process';

/** The commit of the running code; `unknown` outside a repository. */
export function currentCommit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown';
  }
}
