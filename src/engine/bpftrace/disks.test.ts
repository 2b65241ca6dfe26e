import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Disks } from '../../decode/dialects/bpftrace-disks.ts';
import { DiskNames } from './disks.ts';

test('names of disks by their number, told when they change, and what the reader makes of them', () => {
  const sys = mkdtempSync(join(tmpdir(), 'tapline-disks-'));
  mkdirSync(join(sys, 'dev/block'), { recursive: true });
  symlinkSync('../../devices/virtual/block/loop0', join(sys, 'dev/block/7:0'));
  symlinkSync('../../devices/pci0000:00/nvme0/nvme0n1', join(sys, 'dev/block/259:3'));
  const names = new DiskNames();
  const line = names.changed(sys);
  expect(line).toBe('{"type":"disks","data":{"7340032":"loop0","271581187":"nvme0n1"}}\n');
  expect(names.changed(sys)).toBeUndefined();

  const disks = new Disks();
  expect(disks.name(7 * 2 ** 20)).toBe('7:0');
  expect(disks.told((JSON.parse(String(line)) as { data: unknown }).data)).toBe(true);
  expect([disks.name(7340032), disks.name(271581187), disks.name(8 * 2 ** 20 + 17)]).toEqual(['loop0', 'nvme0n1', '8:17']);
  expect([disks.told(null), disks.told('loop0')]).toEqual([false, false]);

  rmSync(join(sys, 'dev/block/7:0'));
  expect(names.changed(sys)).toBe('{"type":"disks","data":{"271581187":"nvme0n1"}}\n');
  rmSync(sys, { recursive: true });
  expect(names.changed(sys)).toBe('{"type":"disks","data":{}}\n');
});
