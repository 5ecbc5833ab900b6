/** Which device the quickstart takes, and what it says about it. */
import { expect, test } from 'vitest';
import { chooseDevice } from '../../electron/cli/device.ts';
import type { Device } from '../../electron/shared/api/entities.ts';

const device = (kind: Device['kind'], name: string): Device => ({
  kind,
  index: 0,
  name,
  units: 1,
  memoryTotalBytes: 1,
  features: [],
});
const machine = [device('cpu', 'EPYC'), device('cuda', 'NVIDIA H100')];

test('the GPU where the engine for it works, else the CPU with the reason', async () => {
  const never = () => Promise.reject(new Error('not asked without a GPU'));
  expect((await chooseDevice(machine.slice(0, 1), never)).device).toBe('cpu');
  expect(await chooseDevice(machine, async () => ({ ready: true }))).toEqual({
    device: 'cuda',
    why: 'on NVIDIA H100',
  });
  const broken = { ready: false, reason: 'the driver is too old', next: 'Update it.' } as const;
  expect(await chooseDevice(machine, async () => broken)).toEqual({
    device: 'cpu',
    why: 'on the CPU, not on NVIDIA H100: the driver is too old. Update it.',
  });
});
