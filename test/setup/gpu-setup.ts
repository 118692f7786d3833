/**
 * Global set-up of the `gpu` tests: finds (or installs) a Vulkan driver, and tells the test files whether there is one.
 */
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findVulkanDriver } from './system-packages.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the Vulkan driver description; empty where the system's own is used; null where WebGPU cannot run. */
    vulkanDriver: string | null;
    /** A folder for XDG_RUNTIME_DIR, which lavapipe wants set. */
    runtimeFolder: string;
  }
}

export default function setUpGpu(project: TestProject): void {
  const runtimeFolder = join(tmpdir(), 'afrl-lab-runtime');
  mkdirSync(runtimeFolder, { recursive: true, mode: 0o700 });
  const driver = findVulkanDriver();
  if ('missing' in driver) process.stdout.write(`gpu tests are skipped: ${driver.missing}\n`);
  project.provide('vulkanDriver', 'missing' in driver ? null : driver.path);
  project.provide('runtimeFolder', runtimeFolder);
}
