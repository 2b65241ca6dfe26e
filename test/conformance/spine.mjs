// TCP retransmissions and opens.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { nodeComm } from './process/node-comm.mjs';

const b = { v4: '198.18.0.6', v6: '2001:db8:b::2' };
const a = { v4: '198.18.0.2', v6: '2001:db8:a::2' };
const otherNamespace = { procfs: 'It looks into its own network namespace only.' };

/** A command name that looks like the end of a record, with a byte that is no UTF-8; and as a record has it. */
const hostile = { bytes: Buffer.from('","pid":1}\n{\\\xff', 'latin1'), text: '","pid":1}\n{\\\udcff' };

/** An established connection on which a little has been sent. */
async function connected(context, family) {
  const lab = context.netLab();
  lab.segmentByItself();
  const [server, client] = [await lab.peer(lab.b), await lab.peer(lab.a)];
  await client.rename(hostile.bytes);
  await server.listen(5001);
  const sport = await client.connect(b[family], 5001);
  // Until the kernel's estimate is that of a quiet path: where it began under load, the timeout is seconds.
  const timeout = () => Number(/\brto:(\d+)/.exec(lab.run(lab.a, 'ss', ['-Htin', 'dport', '5001']))?.[1] ?? 0);
  do {
    await client.send(100);
    await context.delay(300);
  } while (timeout() > 400);
  const ends = { saddr: a[family], sport, daddr: b[family], dport: 5001 };
  return { lab, client, connection: { netns: lab.netns, ...ends, state: 'ESTABLISHED', pid: client.pid, comm: hostile.text } };
}

/** One that has lost its path, with something to send. */
async function stalled(context, family) {
  const { lab, client, connection } = await connected(context, family);
  lab.cut();
  await client.send(1000);
  return connection;
}

/** What the process that opens a file calls itself. */
function opener(title) {
  return `tapopen${title.length}`;
}

export const cases = [
  {
    goal: 'tcp.retransmit',
    title: 'an established connection that lost its path: a loss probe, then timeouts',
    skip: otherNamespace,
    async provoke(context) {
      const connection = await stalled(context, 'v4');
      const sent = { ...connection, segs: 1, err: 0 };
      return {
        expect: [
          { ...sent, kind: 'TLP' },
          { ...sent, kind: 'RTO', backoff: 0, rto_ms: (ms) => ms >= 200 && ms < 500 },
          { ...sent, kind: 'RTO', backoff: 1, rto_ms: (ms) => ms >= 400 && ms < 1000 },
        ],
        absent: [
          { ...connection, kind: 'FAST' },
          { ...connection, kind: 'SYN' },
        ],
      };
    },
  },
  {
    goal: 'tcp.retransmit',
    title: 'one segment of a window is lost: fast retransmit',
    skip: otherNamespace,
    async provoke(context) {
      const { lab, connection, client } = await connected(context, 'v6');
      // The sixth full segment, once.
      lab.lose('tcp dport 5001 meta length > 1000 numgen inc mod 10000 == 5');
      await client.send(60_000);
      const sent = { ...connection, segs: 1, err: 0, backoff: 0, rto_ms: (ms) => ms >= 200 && ms < 1000 };
      return { expect: [{ ...sent, kind: 'FAST' }], absent: [{ ...connection, kind: 'SLOW_START' }] };
    },
  },
  {
    goal: 'tcp.retransmit',
    title: 'a whole window is lost: slow start once something comes back',
    skip: otherNamespace,
    async provoke(context) {
      const { lab, connection, client } = await connected(context, 'v4');
      lab.cut();
      await client.send(12_000);
      await context.delay(1500);
      lab.restore();
      const sent = { ...connection, segs: 1, err: 0 };
      return {
        expect: [
          { ...sent, kind: 'RTO' },
          { ...sent, kind: 'SLOW_START' },
        ],
        absent: [{ ...connection, kind: 'FAST' }],
      };
    },
  },
  {
    goal: 'tcp.retransmit',
    title: 'a SYN that nobody answers',
    skip: otherNamespace,
    async provoke(context) {
      const lab = context.netLab();
      const client = await lab.peer(lab.a);
      lab.cut();
      await client.connect(b.v6, 5002, false);
      return {
        expect: [
          {
            netns: lab.netns,
            saddr: a.v6,
            daddr: b.v6,
            dport: 5002,
            state: 'SYN_SENT',
            kind: 'SYN',
            rto_ms: 1000,
            backoff: 0,
            segs: 1,
            err: 0,
            pid: client.pid,
            comm: nodeComm,
          },
        ],
      };
    },
  },
  {
    goal: 'tcp.retransmit',
    title: 'a full listener on loopback does not answer a SYN',
    mayBeUnknown: { pid: { procfs: 'Searching for owners is bounded.' }, comm: { procfs: 'Searching for owners is bounded.' } },
    async provoke(context) {
      const program = `const net=require('net');net.createServer().listen({port:0,host:'127.0.0.1',backlog:1},function(){const {port}=this.address();
        require('fs').writeSync(1,port+'\\n');Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0)})`;
      const listener = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
      context.cleanup(() => listener.kill('SIGKILL'));
      const port = Number(await once(listener.stdout, 'data'));
      const connect = `for(let i=0;i<6;i++)require('net').connect(${port},'127.0.0.1').on('error',()=>{})`;
      const client = spawn(process.execPath, ['-e', connect], { stdio: 'ignore' });
      context.cleanup(() => client.kill('SIGKILL'));
      const known = context.engine === 'procfs' ? {} : { pid: client.pid, segs: 1, err: 0 };
      const here = { netns: statSync('/proc/self/ns/net').ino, saddr: '127.0.0.1', daddr: '127.0.0.1', dport: port };
      return { expect: [{ ...here, ...known, state: 'SYN_SENT', kind: 'SYN', rto_ms: 1000 }] };
    },
  },
  {
    goal: 'tcp.rto_change',
    title: 'timeouts that double, each told with the one before',
    skip: otherNamespace,
    mayBeUnknown: { rto_was_ms: 'The first timeout of a connection has none before it.' },
    async provoke(context) {
      const connection = await stalled(context, 'v6');
      const doubled = (from, to) => ({ rto_was_ms: (ms) => ms >= from && ms < to, rto_ms: (ms) => ms >= 2 * from && ms < 2 * to });
      return {
        expect: [
          { ...connection, rto_was_ms: undefined, rto_ms: (ms) => ms >= 200 && ms < 500 },
          { ...connection, ...doubled(200, 500), backoff: 1 },
          { ...connection, ...doubled(400, 1000), backoff: 2 },
        ],
      };
    },
  },
  {
    goal: 'tcp.rto_change',
    title: 'a full listener on loopback: the SYN timeout is told once, though it expires more often',
    mayBeUnknown: {
      rto_was_ms: 'The first timeout of a connection has none before it.',
      pid: { procfs: 'Searching for owners is bounded.' },
      comm: { procfs: 'Searching for owners is bounded.' },
    },
    async provoke(context) {
      const retransmit = cases.find((each) => each.title.startsWith('a full listener'));
      const { expect } = await retransmit.provoke(context);
      const { netns, saddr, daddr, dport, state, rto_ms } = expect[0];
      return {
        expect: [{ netns, saddr, daddr, dport, state, rto_ms, rto_was_ms: undefined }],
        absent: [{ dport, rto_ms: 1000, rto_was_ms: 1000 }],
      };
    },
  },
  ...opens(),
];

/** Who opens what, by each call that Python's os module or the C library has. */
function opens() {
  const open = (title, path, flags, ret) => ({
    goal: 'syscall.open',
    title,
    // Every open of a busy machine would be more than there is to see.
    where: `comm == "${opener(title)}"`,
    async provoke(context) {
      const file = path.replace('SCRATCH', context.scratch);
      const name = opener(title);
      const program = `require('fs').writeFileSync('/proc/self/comm',${JSON.stringify(name)});try{require('fs').openSync(${JSON.stringify(file)},${JSON.stringify(flags)})}catch{}`;
      const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
      await once(child, 'exit');
      return {
        expect: [
          {
            netns: statSync('/proc/self/ns/net').ino,
            pid: child.pid,
            uid: 0,
            comm: name,
            call: 'openat',
            path: file,
            path_cut: false,
            ...ret,
          },
        ],
      };
    },
  });
  // O_CLOEXEC is 0x80000; O_CREAT | O_WRONLY | O_TRUNC is 577.
  return [
    open('a file that is not there', 'SCRATCH/none', 'r', { ret: -2, flags: 0x80000 }),
    open('a file that is made, under a name with quotes and a line end', 'SCRATCH/a "b"\n{', 'w', {
      ret: (fd) => fd > 2,
      flags: 577 | 0x80000,
    }),
  ];
}
