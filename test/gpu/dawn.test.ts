/** The basis of all GPU tests: Dawn opens a device on this machine, and a compute pass writes the expected values. */
import { beforeAll, expect, it } from 'vitest';
import { pollPatiently } from '../../src/cli/patient-polling.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

describeGpu('WebGPU in Node', () => {
  let gpu: GPU;
  beforeAll(() => {
    gpu = openGpu();
  });

  it('runs a compute pass on a device with default limits and no features', async () => {
    const adapter = await gpu.requestAdapter();
    if (adapter === null) throw new Error('Dawn found no adapter although a Vulkan driver is installed.');
    const device = await adapter.requestDevice();
    const sizeBytes = 64 * 4;
    const squares = device.createBuffer({ size: sizeBytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
    const readable = device.createBuffer({ size: sizeBytes, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
    const module = device.createShaderModule({
      code: `@group(0) @binding(0) var<storage, read_write> squares: array<u32>;
             @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { squares[id.x] = id.x * id.x; }`,
    });
    const pipeline = await device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module, entryPoint: 'main' },
    });
    const bindings = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: squares } }],
    });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindings);
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(squares, 0, readable, 0, sizeBytes);
    device.queue.submit([encoder.finish()]);
    await readable.mapAsync(GPUMapMode.READ);
    const got = [...new Uint32Array(readable.getMappedRange())];
    device.destroy();
    expect(got).toEqual(Array.from({ length: 64 }, (_, i) => i * i));
  });

  it('is recognised by its calls of setImmediate, which poll for finished work', async () => {
    const device = await (await gpu.requestAdapter())?.requestDevice();
    if (device === undefined) throw new Error('Dawn found no adapter although a Vulkan driver is installed.');
    const original = globalThis.setImmediate;
    let sleeps = 0;
    pollPatiently(globalThis, () => (sleeps += 1));
    try {
      const buffer = device.createBuffer({ size: 2 ** 26, usage: GPUBufferUsage.COPY_DST });
      const encoder = device.createCommandEncoder();
      for (let i = 0; i < 20; i++) encoder.clearBuffer(buffer); // takes more than the 1/3 ms of polling without sleep
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      buffer.destroy();
    } finally {
      globalThis.setImmediate = original;
      device.destroy();
    }
    expect(sleeps).toBeGreaterThan(0);
  });
});
