import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Decoder } from '../src/decode/decoder.ts';
import { recordAt } from '../src/decode/record.ts';
import { parseFrame, parseHeader } from '../src/engine/recording.ts';
import { Ledger } from '../src/telemetry/ledger.ts';
import { goalOf } from './lab/goals.ts';

const examples = [
  ['tcp.retransmit', { state: 'ESTABLISHED', saddr: '198.18.0.2', daddr: '198.18.0.6', dport: 5001, comm: 'node' }],
  ['tcp.rto_change', { state: 'ESTABLISHED', saddr: '2001:db8:a::2', daddr: '2001:db8:b::2', dport: 5001, comm: 'node' }],
  ['syscall.open', { comm: 'cat', ret: -2, path: '/tmp/é\udcff"x\\uffffff80', path_cut: false }],
  ['memory.oom', { comm: 'dd', why: 'cgroup', by_comm: 'tail', oom_score_adj: 1000 }],
  ['memory.oom', { comm: '"}\n{"\t\\x\u001b[1m', cgroup: 'a","why":0}\t\\N{29671\udcff' }],
  ['disk.error', { disk: 'loop0', op: 'write', sector: 4096, bytes: 4096, why: 'no_space', err: -28 }],
  ['disk.latency', { disk: 'loop0', op: 'write', comm: 'dd', requests: 1, bytes: 65536 }],
  ['memory.reclaim', { why: 'cgroup', uid: 0, comm: '0,1,"}\n{\t\\x', reclaims: 35 }],
  ['memory.alloc', { comm: 'asker', brk_bytes: 3145728 }],
  ['process.exec', { comm: 'echo', uid: 4242, args: '/bin/echo a "quoted" argument a\\nd no UTF-8: \udcff', args_cut: false }],
  ['process.exit', { comm: 'sh', uid: 4242, code: 0, signal: 9, core: false }],
  ['file.delete', { comm: 'rm', call: 'unlinkat', directory: false, ret: -2, path: 'line\nend \udcff', path_cut: false }],
  ['syscall.slow', { comm: 'sleep', call: 'clock_nanosleep', ret: 0 }],
  ['cpu.hog', { comm: 'sh', uid: 4242, kernel_ms: 0, interval_ms: 2000 }],
  ['cpu.hog', { comm: 'dd', uid: 4242, interval_ms: 2000, kernel_function: 'syscall_trace_enter' }],
  ['cpu.runqueue_latency', { comm: 'sh', interval_ms: 2000 }],
  ['tcp.reset', { direction: 'SENT', reason: 'NO_SOCKET', saddr: '198.18.0.6', sport: 5009, daddr: '198.18.0.2' }],
  ['tcp.connect', { result: 'REFUSED', err: -111, daddr: '2001:db8:b::2', dport: 5009, comm: 'node' }],
  ['tcp.accept_overflow', { saddr: '::', sport: 5020, drops: 8, queued: 2, queue_max: 1, full: true, comm: 'node' }],
  ['net.drop', { reason: 'NO_SOCKET', location: 'tcp_v6_rcv', protocol: 'TCP', saddr: '2001:db8:a::2', dev: 'eth0', bytes: 40 }],
  ['udp.traffic', { direction: 'SENT', daddr: '::1', packets: 3, bytes: 3000, comm: 'python3' }],
] as const;

test.each(examples)("the recorded example of %s is what today's decoder reads", (id, one) => {
  const [header = '', ...lines] = readFileSync(join(import.meta.dirname, '../scripts-stp', id, 'example.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  expect(parseHeader(header).ok).toBe(true);
  const frames = lines.map(parseFrame).filter((frame) => frame !== undefined);
  expect(frames).toHaveLength(lines.length);
  const ledger = new Ledger();
  const goal = goalOf(id);
  const signals = new Decoder({ goal: () => goal, ledger }).push(frames);
  const records = signals.flatMap((signal) =>
    signal.kind === 'batch' ? Array.from({ length: signal.batch.length }, (_, row) => recordAt(signal.batch, row)) : [],
  );
  expect(records.length).toBeGreaterThanOrEqual(4);
  expect(records.map((record) => record.fields)).toContainEqual(expect.objectContaining(one));
  expect(signals.map((signal) => signal.kind)).toEqual(expect.arrayContaining(['ready', 'time', 'gone']));
  expect(ledger.imbalances()).toEqual([]);
  expect([...ledger.runs.values()]).toEqual([expect.objectContaining({ decoded: records.length, lost: 0, broken: 0, inPipe: 0 })]);
});
