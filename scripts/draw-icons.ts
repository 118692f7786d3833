/**
 * Renders public/icon.svg as the PNG files for installation, in the browser of the tests: on a transparent background
 * for desktops, and full-bleed for systems that crop icons to a shape. A "maskable" icon stays within the circle of 80
 * % of the width, which every such shape leaves visible.
 */
import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import { findChromium } from '../test/setup/system-packages.ts';

const found = findChromium();
if ('missing' in found) throw new Error(found.missing);
const drawing = await readFile('public/icon.svg', 'utf8');
const ground = /fill="(#\w+)"/u.exec(drawing)?.[1] ?? 'none';
const browser = await chromium.launch({ executablePath: found.path });
try {
  const page = await browser.newPage();
  for (const { name, sizePx, background, scale } of [
    { name: 'icon-192', sizePx: 192, background: 'none', scale: 1 },
    { name: 'icon-512', sizePx: 512, background: 'none', scale: 1 },
    { name: 'maskable-512', sizePx: 512, background: ground, scale: 0.9 },
    { name: 'apple-touch-180', sizePx: 180, background: ground, scale: 1 },
  ]) {
    await page.setViewportSize({ width: sizePx, height: sizePx });
    const style = `body { margin: 0; background: ${background} } svg { display: block; scale: ${scale} }`;
    await page.setContent(`<style>${style}</style>${drawing}`);
    await page.screenshot({ path: `public/icons/${name}.png`, omitBackground: true });
  }
} finally {
  await browser.close();
}
