// Resets, connects, listen queues, dropped packets, UDP and DNS. What each provoker knows: its own pid, ports, bytes and errors.
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { nodeComm } from './process/node-comm.mjs';

const a = { v4: '198.18.0.2', v6: '2001:db8:a::2' };
const b = { v4: '198.18.0.6', v6: '2001:db8:b::2' };
const families = /** @type {const} */ (['v4', 'v6']);
const loopback = { v4: '127.0.0.1', v6: '::1' };
const ownNetns = () => statSync('/proc/self/ns/net').ino;
/** A command name as a process may choose it, and as a record has it: quotes, a backslash, a line's end, a byte that is no UTF-8. */
const hostile = { bytes: [...Buffer.from('a"b\\c\n{,'), 0xff], text: 'a"b\\c\n{,\udcff' };
const noOwner = 'Nobody owns a port that nothing listens on.';
const accepted = { systemtap: 'Of accepted connections the owner is not known.' };

/** Runs a program of Node's; `says()` resolves with the next line that it prints, as JSON. It ends with the case. */
function program(context, source) {
  const child = spawn(process.execPath, ['-e', `const say = (x) => require('fs').writeSync(1, JSON.stringify(x) + '\\n');${source}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  context.cleanup(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { pid: child.pid, says: async () => JSON.parse((await lines.next()).value ?? 'null'), child };
}
const named = (name) => `require('fs').writeFileSync('/proc/self/comm', Buffer.from(${JSON.stringify(name.bytes)}));`;
const stop = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';

const resets = families.map((family) => ({
  goal: 'tcp.reset',
  title: `a closed port refuses, and the caller hears of it (${family})`,
  mayBeUnknown: {
    state: 'A closed port has no socket.',
    reason: 'One that was received has no reason.',
    pid: noOwner,
    comm: noOwner,
  },
  async provoke(context) {
    const lab = context.netLab();
    const client = await lab.peer(lab.a);
    void client.connect(b[family], 5009, false);
    return {
      expect: [
        {
          netns: lab.inode(lab.b),
          direction: 'SENT',
          saddr: b[family],
          sport: 5009,
          daddr: a[family],
          dport: (port) => port > 0,
          state: undefined,
          reason: 'NO_SOCKET',
          pid: undefined,
          comm: undefined,
        },
        {
          netns: lab.inode(lab.a),
          direction: 'RECEIVED',
          saddr: a[family],
          sport: (port) => port > 0,
          daddr: b[family],
          dport: 5009,
          state: 'SYN_SENT',
          reason: undefined,
          pid: client.pid,
          comm: nodeComm,
        },
      ],
    };
  },
}));

/** A client that gives up an established connection, by `how`; both ends in a process of their own. */
const aborted = (title, { how, unread, reason, family }) => ({
  goal: 'tcp.reset',
  title,
  mayBeUnknown: { reason: 'One that was received has no reason.', pid: accepted, comm: accepted },
  async provoke(context) {
    const server = program(
      context,
      `require('net').createServer((s) => s.on('error', () => {}) && ${unread ? "s.write('unread', () => say(1))" : 'say(1)'})
       .listen({ port: 0, host: '${loopback[family]}' }, function () { say(this.address().port) });`,
    );
    const dport = await server.says();
    const client = program(
      context,
      `${named(hostile)}const s = require('net').connect(${dport}, '${loopback[family]}').pause();
       s.on('connect', () => { say(s.localPort); process.stdin.once('data', () => s.${how}()) });`,
    );
    const sport = await client.says();
    await server.says();
    await context.delay(200);
    client.child.stdin.write('now');
    const here = { netns: ownNetns(), pid: client.pid, comm: hostile.text };
    const ends = { saddr: loopback[family], sport, daddr: loopback[family], dport };
    const other = { saddr: loopback[family], sport: dport, daddr: loopback[family], dport: sport };
    return {
      expect: [
        { ...here, ...ends, direction: 'SENT', state: 'CLOSE', reason },
        { ...other, netns: here.netns, direction: 'RECEIVED', state: 'ESTABLISHED', reason: undefined },
      ],
      absent: [{ ...other, pid: client.pid }],
    };
  },
});

const connects = [
  ...families.map((family) => ({
    goal: 'tcp.connect',
    title: `a connection is made (${family})`,
    async provoke(context) {
      const lab = context.netLab();
      const [server, client] = [await lab.peer(lab.b), await lab.peer(lab.a)];
      await server.listen(5010);
      const before = performance.now();
      const sport = await client.connect(b[family], 5010);
      const tookUs = (performance.now() - before) * 1000;
      const ends = { netns: lab.netns, saddr: a[family], sport, daddr: b[family], dport: 5010 };
      const latency_us = (us) => us > 0 && us <= tookUs;
      return {
        expect: [{ ...ends, pid: client.pid, comm: nodeComm, result: 'CONNECTED', err: 0, latency_us }],
        absent: [{ ...ends, pid: server.pid }],
      };
    },
  })),
  {
    goal: 'tcp.connect',
    title: 'refused, by a process with a hostile name',
    async provoke(context) {
      const client = program(
        context,
        `${named(hostile)}const s = require('net').connect(9, '127.0.0.1').on('error', (e) => say(e.errno));`,
      );
      const err = await client.says();
      return {
        expect: [
          {
            netns: ownNetns(),
            pid: client.pid,
            comm: hostile.text,
            saddr: '127.0.0.1',
            daddr: '127.0.0.1',
            dport: 9,
            result: 'REFUSED',
            err,
          },
        ],
      };
    },
  },
  {
    goal: 'tcp.connect',
    title: 'no neighbour has that address',
    async provoke(context) {
      const lab = context.netLab();
      const client = await lab.peer(lab.a);
      void client.connect('2001:db8:a::99', 5011, false);
      return {
        expect: [
          { netns: lab.netns, pid: client.pid, saddr: a.v6, daddr: '2001:db8:a::99', dport: 5011, result: 'HOST_UNREACHABLE', err: -113 },
        ],
      };
    },
  },
  {
    goal: 'tcp.connect',
    title: 'nobody answers until the kernel gives up',
    withinMs: 30_000,
    async provoke(context) {
      const lab = context.netLab();
      lab.run(lab.a, 'sysctl', ['-qw', 'net.ipv4.tcp_syn_retries=1']);
      lab.cut();
      const client = await lab.peer(lab.a);
      void client.connect(b.v6, 5012, false);
      const latency_us = (us) => us >= 1_900_000 && us < 10_000_000;
      return {
        expect: [{ netns: lab.netns, pid: client.pid, saddr: a.v6, daddr: b.v6, dport: 5012, result: 'TIMED_OUT', err: -110, latency_us }],
      };
    },
  },
  {
    goal: 'tcp.connect',
    title: 'the process ends while it waits',
    mayBeUnknown: { err: 'Closing leaves no error.' },
    async provoke(context) {
      const lab = context.netLab();
      lab.cut();
      const client = await lab.peer(lab.a);
      await client.connect(b.v4, 5013, false);
      await context.delay(500);
      await client.close();
      const latency_us = (us) => us >= 400_000 && us < 30_000_000;
      return {
        expect: [
          { netns: lab.netns, pid: client.pid, comm: nodeComm, daddr: b.v4, dport: 5013, result: 'ABANDONED', err: undefined, latency_us },
        ],
      };
    },
  },
  {
    goal: 'tcp.connect',
    title: 'no local port is free',
    mayBeUnknown: { err: 'connect itself answers; nothing stays at the socket.' },
    async provoke(context) {
      const lab = context.netLab();
      lab.run(lab.a, 'sysctl', ['-qw', 'net.ipv4.ip_local_port_range=40001 40001']);
      const [server, client] = [await lab.peer(lab.b), await lab.peer(lab.a)];
      await server.listen(5014);
      await client.connect(b.v4, 5014);
      void client.connect(b.v4, 5014, false);
      return { expect: [{ netns: lab.netns, pid: client.pid, daddr: b.v4, dport: 5014, sport: 0, result: 'FAILED', err: undefined }] };
    },
  },
];

const overflows = families.map((family) => ({
  goal: 'tcp.accept_overflow',
  title: `a program that does not accept (${family})`,
  with: { interval: '1s' },
  mayBeUnknown: { pid: { procfs: 'Searching for owners is bounded.' }, comm: { procfs: 'Searching for owners is bounded.' } },
  async provoke(context) {
    const [name, comm] = family === 'v4' ? ['', nodeComm] : [named(hostile), hostile.text];
    const listener = program(
      context,
      `${name}require('net').createServer().listen({ port: 0, host: '${loopback[family]}', backlog: 1 }, function () { say(this.address().port); ${stop} });`,
    );
    const sport = await listener.says();
    program(context, `for (let i = 0; i < 6; i++) require('net').connect(${sport}, '${loopback[family]}').on('error', () => {});`);
    return {
      expect: [
        {
          netns: ownNetns(),
          saddr: loopback[family],
          sport,
          queued: 2,
          queue_max: 1,
          full: true,
          drops: (drops) => drops >= 2 && drops <= 8,
          interval_ms: (ms) => ms > 500 && ms < 10_000,
          ...(context.engine !== 'procfs' && { pid: listener.pid, comm }),
        },
      ],
    };
  },
}));

const unboundPort = (family, context) =>
  program(
    context,
    `const s = require('dgram').createSocket('udp${family[1]}').bind(0, '${loopback[family]}', () => { const { port } = s.address(); s.close(() => say(port)); });`,
  ).says();

const drops = [
  ...families.map((family) => ({
    goal: 'net.drop',
    title: `UDP to a port that nobody has (${family})`,
    async provoke(context) {
      const dport = await unboundPort(family, context);
      const sender = program(
        context,
        `const s = require('dgram').createSocket('udp${family[1]}').bind(0, '${loopback[family]}', () => { say(s.address().port); s.send(Buffer.alloc(100), ${dport}, '${loopback[family]}'); });`,
      );
      const ends = { saddr: loopback[family], sport: await sender.says(), daddr: loopback[family], dport };
      return {
        expect: [
          {
            netns: ownNetns(),
            reason: 'NO_SOCKET',
            location: (name) => name.includes('udp'),
            protocol: 'UDP',
            ...ends,
            dev: 'lo',
            bytes: 108,
          },
        ],
      };
    },
  })),
  {
    goal: 'net.drop',
    title: 'a receive buffer that is full; what fits is not told',
    mayBeUnknown: { dev: 'In a socket the packet has its device no longer.' },
    async provoke(context) {
      const receiver = program(
        context,
        `const s = require('dgram').createSocket({ type: 'udp4', recvBufferSize: 65536 }).bind(0, '127.0.0.1', () => { say(s.address().port); ${stop} });`,
      );
      const dport = await receiver.says();
      const sender = program(
        context,
        `const s = require('dgram').createSocket('udp4').bind(0, '127.0.0.1', () => { say(s.address().port); for (let i = 0; i < 200; i++) s.send(Buffer.alloc(1000 + i), ${dport}, '127.0.0.1'); });`,
      );
      const ends = { saddr: '127.0.0.1', sport: await sender.says(), daddr: '127.0.0.1', dport };
      return {
        expect: [
          {
            netns: ownNetns(),
            reason: 'SOCKET_RCVBUFF',
            protocol: 'UDP',
            ...ends,
            location: (name) => name.length > 3,
            bytes: (bytes) => bytes > 1050,
          },
        ],
        absent: [{ ...ends, bytes: 1008 }],
      };
    },
  },
  {
    goal: 'net.drop',
    title: 'a SYN to a closed port, by a device with a hostile name',
    async provoke(context) {
      const lab = context.netLab();
      const name = 'e"\\{é';
      for (const change of [['down'], ['name', name]]) lab.run(lab.b, 'ip', ['link', 'set', 'eth0', ...change]);
      lab.run(lab.b, 'ip', ['link', 'set', name, 'up']);
      const client = await lab.peer(lab.a);
      void client.connect(b.v4, 5015, false);
      return {
        expect: [
          {
            netns: lab.inode(lab.b),
            reason: 'NO_SOCKET',
            location: 'tcp_v4_rcv',
            protocol: 'TCP',
            saddr: a.v4,
            daddr: b.v4,
            dport: 5015,
            dev: name,
          },
        ],
      };
    },
  },
];

/** Three bursts with time between them, so that one at least falls into an interval whole. */
const udp = families.map((family) => ({
  goal: 'udp.traffic',
  title: `what two processes send each other, to the byte (${family})`,
  with: { interval: '2s' },
  mayBeUnknown: { daddr: 'A socket that is not connected has no one peer.', dport: 'A socket that is not connected has no one peer.' },
  async provoke(context) {
    const receiver = program(
      context,
      `${named(hostile)}const s = require('dgram').createSocket('udp${family[1]}').bind(0, '${loopback[family]}', () => say(s.address().port)).on('message', () => {});`,
    );
    const dport = await receiver.says();
    const sender = program(
      context,
      `const s = require('dgram').createSocket('udp${family[1]}'); let left = 3;
       const burst = () => { for (let i = 0; i < 7; i++) s.send(Buffer.alloc(100 + i)); if (--left > 0) setTimeout(burst, 2700); };
       s.connect(${dport}, '${loopback[family]}', burst);`,
    );
    // 100 + 101 + ... + 106
    const burst = { netns: ownNetns(), uid: 0, packets: 7, bytes: 721, interval_ms: (ms) => ms > 1000 && ms < 6000 };
    return {
      expect: [
        { ...burst, direction: 'SENT', pid: sender.pid, comm: nodeComm, daddr: loopback[family], dport },
        { ...burst, direction: 'RECEIVED', pid: receiver.pid, comm: hostile.text, daddr: undefined, dport: undefined },
      ],
      absent: [{ pid: sender.pid, direction: 'RECEIVED' }],
    };
  },
}));

const label = (bytes) => [bytes.length, ...bytes];
const question = (labels, type) => [
  ...[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
  ...labels.flatMap((each) => label([...each])),
  0,
  0,
  type,
  0,
  1,
];

const dns = [
  ['v4', [Buffer.from('www'), Buffer.from('example')], 'A', 1, 'www.example'],
  ['v6', [Buffer.from([...Buffer.from('a.b\\"c\n'), 0xff]), Buffer.from('example')], 'AAAA', 28, 'a\\.b\\\\"c\n\udcff.example'],
].map(([family, labels, type, number, name]) => ({
  goal: 'dns.query',
  title: `a question for ${JSON.stringify(name)} (${family})`,
  async provoke(context) {
    const asker = program(
      context,
      `${named(hostile)}const s = require('dgram').createSocket('udp${family[1]}').bind(0, '${loopback[family]}', () => { say(s.address().port);
       s.send(Buffer.from(${JSON.stringify(question(labels, number))}), 53, '${loopback[family]}'); s.send(Buffer.from('not a question at all'), 53, '${loopback[family]}'); });`,
    );
    const ends = { netns: ownNetns(), saddr: loopback[family], sport: await asker.says(), daddr: loopback[family] };
    return {
      expect: [{ ...ends, pid: asker.pid, uid: 0, comm: hostile.text, type, name }],
      absent: [{ ...ends, name: (other) => other !== name }],
    };
  },
}));

export const cases = [
  ...resets,
  aborted('a client closes with data unread', { how: 'destroy', unread: true, reason: 'TCP_ABORT_ON_CLOSE', family: 'v4' }),
  aborted('a client resets on purpose (SO_LINGER 0)', { how: 'resetAndDestroy', unread: false, reason: 'TCP_STATE', family: 'v6' }),
  ...connects,
  ...overflows,
  ...drops,
  ...udp,
  ...dns,
];
