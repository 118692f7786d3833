/** The command line in this process: what it prints and its exit code. */
import { runCli } from '../../../src/cli/run-cli.ts';

export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command. */
export function lab(...args: string[]): Promise<Result> {
  return labUntil(undefined, ...args);
}

/** The same, interrupted as by Ctrl-C as soon as its output matches. */
export async function labUntil(stopAt: RegExp | undefined, ...args: string[]): Promise<Result> {
  let [out, err] = ['', ''];
  const controller = new AbortController();
  const look = (): void => {
    if (stopAt?.test(out + err) === true) controller.abort();
  };
  const code = await runCli(args, {
    signal: controller.signal,
    out: {
      write: (text) => {
        out += text;
        look();
      },
    },
    err: {
      write: (text) => {
        err += text;
        look();
      },
    },
  });
  return { code, out, err };
}
