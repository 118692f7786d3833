/** What the processes of a Chromium take, as the system counts it; `whole` is a session with the browser, not a page. */
import { readFileSync } from 'node:fs';
import type { CDPSession } from 'playwright-core';

const PAGE_BYTES = 4096;

/** Processor time of all processes since they began. */
export async function cpuSeconds(whole: CDPSession): Promise<number> {
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

/** @param type - of the processes to sum, such as `/renderer/iu` */
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
