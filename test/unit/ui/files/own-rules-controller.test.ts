/** What the page does with the rules of a file while its thread finds, changes or refuses them. */
import { describe, expect, it } from 'vitest';
import type { ReactiveControllerHost } from 'lit';
import { LabError } from '../../../../src/common/errors.ts';
import type { RulesProgress, RulesRequest, RulesState } from '../../../../src/protocol/file-rules.ts';
import { OwnRulesController } from '../../../../src/ui/files/rules/own-rules-controller.ts';

const HOST = { requestUpdate: () => undefined, addController: () => undefined } as unknown as ReactiveControllerHost;
const STATE: RulesState = { judged: { pairs: 9, queries: 3 }, rules: null, canUndo: false };

type Answer = (request: RulesRequest, onProgress: (progress: RulesProgress) => void) => Promise<RulesState>;

function controllerOn(answer: Answer, said: (state: RulesState) => void = () => undefined): OwnRulesController {
  const thread = {
    rules: answer,
    stopRules: () => Promise.resolve(),
    rulesFile: () => Promise.reject(new LabError('not-found', { message: 'This file has no rules to change.' })),
  };
  return new OwnRulesController(HOST, (ask) => ask(thread), said);
}

describe('the rules of a file in the page', () => {
  it('are those of the file that was looked at last, whichever is answered last', async () => {
    const answers: ((state: RulesState) => void)[] = [];
    const said: RulesState[] = [];
    const controller = controllerOn(
      () => new Promise((resolve) => answers.push(resolve)),
      (state) => said.push(state),
    );
    const [first, second] = [controller.look('one'), controller.look('two')];
    answers[1]?.({ ...STATE, canUndo: true });
    answers[0]?.(STATE);
    await Promise.all([first, second]);
    expect(controller.state?.canUndo).toBe(true);
    expect(said).toHaveLength(1);
    expect(controller.isBusy).toBe(false);
  });

  it('take one change at a time, and a search that is stopped is no failure', async () => {
    const asked: string[] = [];
    let fail: (error: LabError) => void = () => undefined;
    const controller = controllerOn(({ kind }) => {
      asked.push(kind);
      return kind === 'find' ? new Promise((_, reject) => (fail = reject)) : Promise.resolve(STATE);
    });
    await controller.look('one');
    const search = controller.find();
    expect(controller.isFinding).toBe(true);
    expect(await controller.undo()).toBe(false);
    await controller.look('one'); // as on the way back from the results
    expect([controller.isFinding, controller.state]).toEqual([true, STATE]);
    fail(new LabError('aborted', { message: 'Stopped on request.' }));
    await search;
    expect(asked).toEqual(['look', 'find']);
    expect([controller.isFinding, controller.failure]).toEqual([false, undefined]);
    expect(await controller.undo()).toBe(true);
  });

  it('keep a text that cannot be read, and drop it once it is taken or another file is open', async () => {
    let isReadable = false;
    const controller = controllerOn(({ kind }) =>
      kind === 'look' || isReadable
        ? Promise.resolve(STATE)
        : Promise.reject(new LabError('bad-instruction', { message: 'Line 2 of the instruction is not readable.' })),
    );
    await controller.look('one');
    controller.write('rule');
    expect(await controller.take()).toBe(false);
    expect([controller.draft, controller.failure?.code]).toEqual(['rule', 'bad-instruction']);
    await controller.look('one');
    expect(controller.draft).toBe('rule');
    isReadable = true;
    expect(await controller.take()).toBe(true);
    expect(controller.draft).toBeUndefined();
    controller.write('rule');
    await controller.look('two');
    expect(controller.draft).toBeUndefined();
    await controller.download('instruction');
    expect(controller.failure?.code).toBe('not-found');
  });

  it('are shown as they are kept after a change that was refused', async () => {
    const elsewhere: RulesState = { ...STATE, judged: { pairs: 8, queries: 2 } };
    let kept = STATE;
    const controller = controllerOn(({ kind }) => {
      if (kind === 'look') return Promise.resolve(kept);
      kept = elsewhere;
      return Promise.reject(new LabError('bad-config', { message: 'The rules were changed in another tab.' }));
    });
    await controller.look('one');
    expect(await controller.discard()).toBe(false);
    expect([controller.state, controller.failure?.code, controller.isBusy]).toEqual([elsewhere, 'bad-config', false]);
  });
});
