/** The memory that processes of a Chromium hold, as the system counts it. */
import { readFileSync } from 'node:fs';
import type { CDPSession } from 'playwright-core';

const PAGE_BYTES = 4096;

/**
 * @param whole - a session with the browser, not with one page
 * @param type - of the processes to sum, such as `/renderer/iu`
 */
export async function residentBytes(whole: CDPSession, type: RegExp): Promise<number> {
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
  return processInfo.filter((one) => type.test(one.type)).reduce((sum, { id }) => sum + bytesOf(id), 0);
}

/** 0 where the system does not say. */
function bytesOf(processId: number): number {
  try {
    return Number(readFileSync(`/proc/${processId}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
