/**
 * The two things the tests need that npm cannot bring: a Chromium to look at the page with, and a Vulkan driver that
 * runs WebGPU without a graphics card (Mesa's lavapipe). As root on Debian they are installed with apt; anywhere else
 * the caller is told what to install, and the tests that need it are skipped. Nothing here ever fails a test run.
 *
 * Mesa has to be 23 or newer: Debian 12's own 22.3 lacks what Dawn asks for, so there it comes from bookworm-backports.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { messageOf } from '../../src/common/errors.ts';

/** A thing that was found, or the reason why it is missing and what to do about it. */
export type Found = { readonly path: string } | { readonly missing: string };

const CHROMIUM_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const LAVAPIPE_ICD_PATHS = ['/usr/share/vulkan/icd.d/lvp_icd.json', '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json'];
const OLDEST_MESA = 23;
const BACKPORTS_LIST = '/etc/apt/sources.list.d/afrl-lab-backports.list';
const APT_TIMEOUT_MS = 15 * 60_000;

/** A Chromium or Chrome: `CHROMIUM_PATH`, a usual place, or a fresh `apt-get install chromium`. */
export function findChromium(): Found {
  const named = process.env['CHROMIUM_PATH'];
  if (named !== undefined) return existing(named, 'CHROMIUM_PATH');
  const present = CHROMIUM_PATHS.find((path) => existsSync(path));
  if (present !== undefined) return { path: present };
  const problem = installWithApt('chromium');
  const installed = CHROMIUM_PATHS.find((path) => existsSync(path));
  if (installed !== undefined) return { path: installed };
  return { missing: `No Chromium (${problem}). Install Chromium or Chrome, or name one in CHROMIUM_PATH.` };
}

/**
 * The driver description for `VK_ICD_FILENAMES`: the one already named there, lavapipe's, or a fresh install of it.
 * Outside Linux, Dawn uses the system's own Metal or Direct3D and the path is empty.
 */
export function findVulkanDriver(): Found {
  if (process.platform !== 'linux') return { path: '' };
  const named = process.env['VK_ICD_FILENAMES'];
  if (named !== undefined) return existing(named, 'VK_ICD_FILENAMES');
  const present = usableLavapipe();
  if (present !== undefined) return { path: present };
  const problem = installWithApt(
    'mesa-vulkan-drivers',
    debianCodename() === 'bookworm' ? 'bookworm-backports' : undefined,
  );
  const installed = usableLavapipe();
  if (installed !== undefined) return { path: installed };
  return { missing: `No Vulkan driver for WebGPU (${problem}). Install mesa-vulkan-drivers ${OLDEST_MESA} or newer.` };
}

function existing(path: string, variable: string): Found {
  return existsSync(path) ? { path } : { missing: `${variable} names ${path}, which is not there.` };
}

function usableLavapipe(): string | undefined {
  const path = LAVAPIPE_ICD_PATHS.find((candidate) => existsSync(candidate));
  if (path === undefined) return undefined;
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Version}', 'mesa-vulkan-drivers'], { encoding: 'utf8' });
  const major = /^(?:\d+:)?(\d+)/.exec(query.stdout ?? '')?.[1];
  // Without dpkg the version is unknown: the driver gets the benefit of the doubt.
  return major === undefined || Number(major) >= OLDEST_MESA ? path : undefined;
}

/** Installs a package where that is possible; gives the reason why it was not, or 'installed, but not found'. */
function installWithApt(packageName: string, suite?: string): string {
  if (process.env['AFRL_NO_INSTALL'] !== undefined) return 'not installed: AFRL_NO_INSTALL is set';
  if (debianCodename() === undefined) return 'not installed: this is not Debian';
  if (process.getuid?.() !== 0) return 'not installed: only root can';
  process.stdout.write(`test set-up: installing ${packageName} with apt ...\n`);
  try {
    if (suite !== undefined && !backportsListed(suite)) {
      writeFileSync(BACKPORTS_LIST, `deb http://deb.debian.org/debian ${suite} main\n`);
    }
    apt(['update', '-q']);
    apt(['install', '-y', '-q', '--no-install-recommends', ...(suite === undefined ? [] : ['-t', suite]), packageName]);
    return 'installed, but not found';
  } catch (thrown) {
    return `apt failed: ${messageOf(thrown)}`;
  }
}

function apt(args: readonly string[]): void {
  const result = spawnSync('apt-get', args, {
    encoding: 'utf8',
    timeout: APT_TIMEOUT_MS,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (result.error !== undefined) throw result.error;
  // One broken third-party source makes `update` fail although Debian's own lists arrived: let `install` decide.
  if (result.status !== 0 && args[0] !== 'update')
    throw new Error(result.stderr.trim().split('\n').slice(-3).join(' '));
}

function backportsListed(suite: string): boolean {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : []),
  ];
  return files.some((file) => existsSync(file) && readFileSync(file, 'utf8').includes(suite));
}

function debianCodename(): string | undefined {
  if (!existsSync('/etc/os-release')) return undefined;
  const release = readFileSync('/etc/os-release', 'utf8');
  return /^ID=debian$/m.test(release) ? (/^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1] ?? 'unknown') : undefined;
}
