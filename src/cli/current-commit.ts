/**
 * Which version of the code is running, for results that others are to repeat.
 */
import { execFileSync } from 'node:child_process';

/** The commit of the code that runs; `unknown` outside a repository. */
export function currentCommit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown';
  }
}
