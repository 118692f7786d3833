/** The file of the Files view on its way, with a thread that answers when it is told to. */
import { describe, expect, it } from 'vitest';
import type { OpenedFile } from '../../../../src/protocol/files.ts';
import type { FilesClient } from '../../../../src/ui/files/thread/files-client.ts';
import { FilesController } from '../../../../src/ui/files/files-controller.ts';

function opened(columns: Record<string, string>, grades: string): OpenedFile {
  const entry = { id: 'a', name: 'a.csv', createdAt: 1, sizeBytes: 1, scored: 0, scoring: null };
  return { entry, previews: [], roles: ['query', 'grade'], columns, grades, reading: { format: '', sheet: '' }, layout: null, layouts: [], sheets: [], notes: [], isMapped: false, isRemembered: false, survey: null, failure: null }; // prettier-ignore
}

describe('FilesController', () => {
  it('shows a choice before the thread has answered, because the next one is made from it', async () => {
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const client = {
      open: () => Promise.resolve(opened({}, '')),
      map: (columns: Record<string, string>, grades: string) => {
        asked.push(grades);
        return new Promise<OpenedFile>((resolve) => answers.push(() => resolve(opened(columns, grades))));
      },
    } as unknown as FilesClient;
    const controller = new FilesController({
      addController: () => undefined,
      removeController: () => undefined,
      requestUpdate: () => undefined,
      updateComplete: Promise.resolve(true),
    });
    controller.use({ openFiles: () => Promise.resolve(client), openStore: undefined, backend: 'wasm' });
    await controller.open('a');
    expect(controller.stage).toBe('mapping');

    const first = controller.map({ grade: 'verdict' }, 'N=0', false);
    expect(controller.file).toMatchObject({ columns: { grade: 'verdict' }, grades: 'N=0' });
    const second = controller.map({ grade: 'verdict' }, `${controller.file?.grades ?? ''},Y=1`, false);
    await expect.poll(() => answers).toHaveLength(2);
    for (const answer of answers) answer();
    await Promise.all([first, second]);
    expect(asked).toEqual(['N=0', 'N=0,Y=1']);
    expect(controller.file?.grades).toBe('N=0,Y=1');
  });
});
