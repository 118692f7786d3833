/**
 * How Chromium is started for tests and benchmarks.
 */

/** No window, WebGPU on, and none of the requests that a fresh browser profile makes by itself. */
export const HEADLESS_FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--enable-features=Vulkan,WebGPU',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The same with WebGPU on its software adapter. */
export const SWIFTSHADER_FLAGS = [...HEADLESS_FLAGS, '--use-webgpu-adapter=swiftshader'];

/** A name that no browser takes for this machine, so that the pages there are not secure ones. */
export const PLAIN_HOST = 'lab.test';
export const PLAIN_HOST_FLAG = `--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`;
