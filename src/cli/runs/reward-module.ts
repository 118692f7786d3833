/**
 * `--reward-module`: a local JavaScript module that rewards the reasoning of completions, in a process of its own.
 *
 * That process is started with Node's permission model: it cannot read or write files, start processes or threads, or
 * load native addons, and it has no environment variables. The module comes to it as text, so it is one file that
 * imports nothing but what Node has built in. This keeps a careless module from harm and runs repeatable; it is no
 * sandbox against a hostile one, which can still use the network, the processor and flaws of Node. Run only modules
 * that you would run anyway.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import type { JudgedCompletion, RewardJudge } from '../../train/rollouts.ts';
import { systemError } from '../system-errors.ts';

/** A module that is running. */
export interface RewardModule {
  /** The SHA-256 of its text. */
  readonly hash: string;
  readonly judge: RewardJudge;
  readonly close: () => void;
}

/** A step's completions take moments; a module that has not answered by then never will. */
const PATIENCE_MS = 600_000;

/** What the process runs: the module comes with the first message, completions with all others. */
const RUNNER = `
Math.random = () => { throw new Error('A reward may not be random: the run could not be repeated.'); };
let reward;
process.on('message', async ({ source, completions }) => {
  try {
    if (source !== undefined) {
      ({ default: reward } = await import('data:text/javascript;base64,' + source));
      if (typeof reward !== 'function') throw new Error('It has no function as its default export.');
      process.send({ rewards: [] });
    } else {
      const rewards = [];
      for (const completion of completions) rewards.push(await reward(completion));
      process.send({ rewards });
    }
  } catch (error) {
    process.send({ problem: String(error?.message ?? error) });
  }
});`;

const AnswerSchema = v.union([
  v.strictObject({ rewards: v.array(v.unknown()) }),
  v.strictObject({ problem: v.string() }),
]);

/**
 * Starts a module.
 *
 * @param path - of a file whose default export is a function from a completion to a number from 0 to 1
 * @throws {LabError} `bad-config` if it cannot be loaded; what reading the file throws
 */
export async function openRewardModule(path: string): Promise<RewardModule> {
  let source: Buffer;
  try {
    source = await readFile(path);
  } catch (error) {
    throw systemError(error, `read ${path}`);
  }
  const child = spawn(process.execPath, [permissionFlag(), '--input-type=module', '--eval', RUNNER], {
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  // An open module does not keep the command from ending.
  child.unref();
  child.channel?.unref();
  const ask = async (message: object): Promise<readonly unknown[]> => {
    const answer = await answerOf(child, path, message);
    if ('rewards' in answer) return answer.rewards;
    throw moduleFailed(path, answer.problem);
  };
  const close = (): void => void child.kill('SIGKILL');
  try {
    await ask({ source: source.toString('base64') });
  } catch (error) {
    close();
    throw error;
  }
  const judge = async (completions: readonly JudgedCompletion[]): Promise<readonly number[]> =>
    checkedRewards(path, completions, await ask({ completions }));
  return { hash: createHash('sha256').update(source).digest('hex'), judge, close };
}

/** Node 20 has the permission model under its first name. */
function permissionFlag(): string {
  return process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
}

async function answerOf(
  child: ChildProcess,
  path: string,
  message: object,
): Promise<v.InferOutput<typeof AnswerSchema>> {
  let end: (problem: string) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    end = (problem) => reject(moduleFailed(path, problem));
  });
  const exited = (): void => end('Its process has ended.');
  const timer = setTimeout(() => end(`It has not answered within ${PATIENCE_MS / 1000} s.`), PATIENCE_MS);
  let listen: (answer: unknown) => void = () => undefined;
  try {
    const answered = new Promise<unknown>((resolve) => {
      listen = resolve;
      child.once('message', resolve);
    });
    child.once('exit', exited);
    child.once('error', exited);
    if (child.connected) child.send(message);
    else exited();
    const answer = v.safeParse(AnswerSchema, await Promise.race([answered, failed]));
    if (answer.success) return answer.output;
    throw moduleFailed(path, 'It has sent something else than rewards.');
  } finally {
    clearTimeout(timer);
    child.off('message', listen);
    child.off('exit', exited);
    child.off('error', exited);
  }
}

function checkedRewards(path: string, completions: readonly JudgedCompletion[], rewards: readonly unknown[]): number[] {
  return completions.map(({ text }, i) => {
    const reward = rewards[i];
    if (typeof reward === 'number' && reward >= 0 && reward <= 1) return reward;
    const got = typeof reward === 'number' ? String(reward) : (JSON.stringify(reward) ?? 'nothing');
    throw new LabError('bad-config', {
      message: `The reward module ${path} does not reward the completion ${JSON.stringify(text.slice(0, 200))}.`,
      expected: 'a number from 0 to 1',
      got,
      fix: 'Return one for every completion, also for those that are not valid.',
    });
  });
}

function moduleFailed(path: string, problem: string): LabError {
  return new LabError('bad-config', {
    message: `The reward module ${path} cannot be used: ${problem}`,
    expected:
      'one file whose default export is a function, without files, processes, random numbers or imports of its own',
    fix: 'See "npm run lab -- grpo --help".',
  });
}
