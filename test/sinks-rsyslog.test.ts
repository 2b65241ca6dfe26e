import { expect, test } from 'vitest';
import { printable } from '../src/problem/printable.ts';
import { openLocalPort } from '../src/sinks/syslog/local.ts';
import { SyslogSink } from '../src/sinks/syslog/syslog.ts';
import { spawnInGroup } from '../src/engine/child.ts';
import { hostileName, hostilePath, oneOfEach } from './contracts/items.ts';
import { notificationOf, sinkContract } from './contracts/sink.ts';
import { startRsyslog } from './lab/rsyslog.ts';
import { sinkContext } from './lab/sinkcontext.ts';
import { parse5424 } from './lab/syslog.ts';
import { needs } from './needs.ts';

const never = () => new AbortController().signal;

for (const kind of ['tcp', 'udp'] as const) {
  test(`rsyslogd reads over ${kind} what was sent: every part of RFC 5424, and hostile text in its place`, async (context) => {
    needs(context, 'rsyslogd');
    const daemon = await startRsyslog();
    try {
      const sink = new SyslogSink({ address: `${kind}://127.0.0.1:${daemon[kind]}`, facility: 'local3' }, sinkContext());
      const items = oneOfEach(kind);
      const results = await sink.send(notificationOf('journal', items), never());
      expect(results.map(({ outcome }) => outcome)).toEqual(items.map(() => 'sent'));
      const messages = await daemon.messages(items.length);
      await sink.close();

      expect(messages).toHaveLength(items.length);
      const [firing, , hostile, record] = messages;
      expect(firing).toMatchObject({
        pri: String(19 * 8 + 4), // local3, warning
        version: '1',
        time: '2026-11-23T05:03:13.698123Z',
        host: 'api-7',
        app: 'tapline',
        procid: String(process.pid),
        msgid: 'RetransmitTimeoutGrew',
        text: 'firing: 10.0.3.7:51844 -> 10.0.3.21:443 RTO 1728 -> 3456 ms',
      });
      expect(record?.msgid).toBe('tcp.rto_change');
      const dataOf = (data: string | undefined) => parse5424(`<0>1 - - - - - ${data ?? ''} `)?.data;
      expect(dataOf(firing?.data)?.['tapline@32473']).toMatchObject({
        id: `${kind}-firing`,
        daddr: '10.0.3.21',
        dport: '443',
        rto_ms: '3456',
        state: 'firing',
      });
      expect(messages.map(({ data }) => dataOf(data)?.['meta']?.['sequenceId'])).toEqual(items.map((_, index) => String(index + 1)));
      expect(dataOf(hostile?.data)?.['tapline@32473']?.['comm']).toBe(printable(hostileName));
      expect(dataOf(record?.data)?.['tapline@32473']?.['path']).toBe(printable(hostilePath));
    } finally {
      await daemon.stop();
    }
  });
}

test('the local socket by a logger child: one message an item, in order, hostile text in one line', async (context) => {
  needs(context, 'rsyslogd', 'logger');
  const daemon = await startRsyslog();
  try {
    const sink = new SyslogSink({ address: `unix:${daemon.socket}` }, sinkContext());
    const items = oneOfEach('logger');
    const results = await sink.send(notificationOf('journal', items), never());
    expect(results).toEqual(items.map(() => ({ outcome: 'sent', receipt: `${daemon.socket} by logger` })));
    const messages = await daemon.messages(items.length);
    await sink.close();
    expect(messages.map(({ text }) => /id=(\S+)\]$/.exec(text)?.[1])).toEqual(items.map(({ id }) => id));
    expect(messages[2]).toMatchObject({ pri: String(3 * 8 + 4), app: 'tapline', procid: String(process.pid) });
    expect(messages[2]?.text).toContain(printable(hostileName));
  } finally {
    await daemon.stop();
  }
});

test('/dev/log by the native package: one message an item, in order', { timeout: 180_000 }, async (context) => {
  needs(context, 'root', 'rsyslogd', 'nativeSyslog', 'devLog');
  const daemon = await startRsyslog({ devLog: true });
  try {
    const sink = new SyslogSink({ address: 'unix:/dev/log', facility: 'local0' }, sinkContext());
    const items = oneOfEach('native');
    const results = await sink.send(notificationOf('journal', items), never());
    expect(results).toEqual(items.map(() => ({ outcome: 'sent', receipt: '/dev/log by node-syslog' })));
    const messages = await daemon.messages(items.length);
    await sink.close();
    expect(messages.map(({ text }) => /id=(\S+)\]$/.exec(text)?.[1])).toEqual(items.map(({ id }) => id));
    expect(messages[0]).toMatchObject({ pri: String(16 * 8 + 4), app: 'tapline', procid: String(process.pid) });
  } finally {
    await daemon.stop();
  }
});

test('/dev/log where the native package was not built: logger takes its place', { timeout: 180_000 }, async (context) => {
  needs(context, 'root', 'rsyslogd', 'logger', 'devLog');
  const daemon = await startRsyslog({ devLog: true });
  try {
    const identity = { facility: 'daemon', appName: 'tapline', enterprise: 32473, hostname: 'api-7', procid: '1', maxSize: 8192 };
    const port = openLocalPort('/dev/log', identity, spawnInGroup, 'not built');
    expect(await port.send(oneOfEach('fallback').slice(0, 1), never())).toEqual([{ outcome: 'sent', receipt: '/dev/log by logger' }]);
    expect(await daemon.messages(1)).toMatchObject([{ app: 'tapline' }]);
    await port.close();
  } finally {
    await daemon.stop();
  }
});

sinkContract({
  type: 'syslog by logger',
  needs: ['rsyslogd', 'logger'],
  maxItems: 200,
  working: async () => {
    const daemon = await startRsyslog();
    return {
      open: () => new SyslogSink({ address: `unix:${daemon.socket}` }, sinkContext()),
      identities: async (count) => (await daemon.messages(count)).map(({ text }) => /id=(\S+)\]$/.exec(text)?.[1] ?? text),
      messages: (items) => items,
      stop: () => daemon.stop(),
    };
  },
  unreachable: async () => ({
    open: () => new SyslogSink({ address: 'unix:/nonexistent/tapline.sock' }, sinkContext()),
    stop: async () => undefined,
  }),
});
