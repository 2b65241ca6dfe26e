import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { bytesOf, textOf } from '../src/goals/text.ts';
import { bpftraceVersion } from '../src/engine/bpftrace/available.ts';
import { bpftraceEngine } from '../src/engine/bpftrace/index.ts';
import type { EngineHost } from '../src/engine/engine.ts';
import type { TapRecord } from '../src/decode/batch.ts';
import { bpftraces, currentBpftrace } from './lab/bpftrace.ts';
import { bpftraceModule, goalOf } from './lab/goals.ts';
import { watch } from './lab/watching.ts';
import { needs } from './needs.ts';

/** Opens each path (given as hex) under a name of its own, in Python: its open takes bytes. The last path ends the series. */
const opener = `
import os, sys, ctypes
ctypes.CDLL(None).prctl(15, ctypes.c_char_p(bytes.fromhex(sys.argv[1])))
for path in sys.argv[2:]:
  try: os.close(os.open(bytes.fromhex(path), os.O_RDONLY))
  except OSError: pass
`;
const hex = (bytes: string | Uint8Array) => Buffer.from(bytes as string).toString('hex');

async function openedBy(host: EngineHost, name: Uint8Array, paths: readonly Uint8Array[]): Promise<readonly TapRecord[]> {
  const watching = await watch(bpftraceEngine, [await bpftraceModule(goalOf('syscall.open'), [], true, host)], host);
  try {
    // The process is a grandchild: Tapline's own children are not watched.
    const shell = spawn('sh', ['-c', 'python3 -c "$@"; :', 'sh', opener, hex(name), ...paths.map(hex)], { stdio: 'ignore' });
    await once(shell, 'exit');
    await watching.until(
      ({ records }) => records.filter((record) => record.fields['comm'] === textOf(name)).length >= paths.length,
      'the opens',
    );
    expect(watching.ledger.imbalances()).toEqual([]);
    expect(watching.problems).toEqual([]);
    return watching.records.filter((record) => record.fields['comm'] === textOf(name));
  } finally {
    await watching.stop();
  }
}

test('the current bpftrace is one of the versions that changed the language', async (context) => {
  needs(context, 'root', ...currentBpftrace.needs);
  const [, minor] = (await bpftraceVersion(currentBpftrace.host))?.split('.').map(Number) ?? [];
  expect(minor).toBeGreaterThanOrEqual(25);
});

describe.each(bpftraces)('$name', ({ needs: wants, host }) => {
  test('a process named like a record, and paths like lines, come through byte for byte', { timeout: 60_000 }, async (context) => {
    needs(context, 'root', ...wants, 'python3');
    const name = Buffer.from('","rto_ms":1}\n{');
    const paths = [
      Buffer.from('/tmp/x","rto_ms":1} \n{"goal":"fake"'),
      Buffer.from('/tmp/\\uffffff80 \\" \\\\ \t\r\x01\x1b[31m\x7f'),
      Buffer.from([...Buffer.from('/tmp/'), 0xff, 0xfe, 0x80, 0xc3, 0xa9, 0xed, 0xa0, 0x80, 0xf0, 0x9f, 0x98, 0x80]),
      // As long as a path may be; characters of two bytes, so that the pieces it comes in cut some in two.
      Buffer.from(`/tmp/../${'/tmp/..'.repeat(580)}/é${'é'.repeat(10)}`),
      Buffer.from(`/${'é'.repeat(100)}x`),
    ];
    const records = await openedBy(host, name, paths);
    expect(records.map((record) => Buffer.from(bytesOf(String(record.fields['path']))).toString('hex'))).toEqual(paths.map(hex));
    for (const record of records) expect(record.fields).toMatchObject({ path_cut: false, call: 'openat', uid: 0, flags: 0x80000 });
  });

  test('a path that is longer than any may be is marked as cut', { timeout: 60_000 }, async (context) => {
    needs(context, 'root', ...wants, 'python3');
    const [record] = await openedBy(host, Buffer.from('toolong'), [Buffer.from(`/tmp/${'y'.repeat(5000)}`)]);
    expect(record?.fields).toMatchObject({ path_cut: true, ret: -36 });
    expect(String(record?.fields['path'])).toMatch(/^\/tmp\/y{4000,}$/);
  });
});
