/**
 * Asks the browser not to evict what this page stores. Some browsers ask the person, so this happens when a run begins
 * and not when the page is opened. Only a page in a secure context can ask; elsewhere nothing happens.
 */
export async function askToPersist(): Promise<void> {
  const { storage }: Partial<Pick<Navigator, 'storage'>> = navigator;
  await storage?.persist();
}
