/**
 * Asks the browser to keep what this page stores when the disk fills up. Some ask the person, so it is asked for when a run
 * begins, not when the page is opened. Only a page can ask, and only a secure one; elsewhere nothing happens.
 */
export async function askToPersist(): Promise<void> {
  const { storage }: Partial<Pick<Navigator, 'storage'>> = navigator;
  await storage?.persist();
}
