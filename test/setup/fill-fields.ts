import type { Locator, Page } from 'playwright-core';

/** Fills the fields that have these labels. */
export async function fillFields(within: Locator | Page, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(values)) await within.getByLabel(label, { exact: true }).fill(value);
}
