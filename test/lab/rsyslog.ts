import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** One message as rsyslog's own parsers understood it. */
export interface RsyslogMessage {
  /** Name of the input: imudp, imptcp, imuxsock. */
  readonly input: string;
  readonly pri: string;
  readonly version: string;
  readonly time: string;
  readonly host: string;
  readonly app: string;
  readonly procid: string;
  readonly msgid: string;
  readonly data: string;
  readonly text: string;
}

export interface Rsyslog {
  readonly tcp: number;
  readonly udp: number;
  /** A unix socket of its own; with `devLog` /dev/log too. */
  readonly socket: string;
  /** Waits until there are so many messages. */
  messages(count: number): Promise<readonly RsyslogMessage[]>;
  stop(): Promise<void>;
}

const properties: Readonly<Record<keyof RsyslogMessage, string>> = {
  input: 'inputname',
  pri: 'pri',
  version: 'protocol-version',
  time: 'timereported" dateFormat="rfc3339',
  host: 'hostname',
  app: 'app-name',
  procid: 'procid',
  msgid: 'msgid',
  data: 'structured-data',
  text: 'msg',
};

/** There is one /dev/log: tests that run side by side take turns. Kept with the process that has it; a killed one holds nobody up. */
export const devLogTurn = join(tmpdir(), 'tapline-dev-log');

async function takeDevLog(): Promise<void> {
  for (;;) {
    try {
      return await writeFile(devLogTurn, String(process.pid), { flag: 'wx' });
    } catch {
      const holder = Number(await readFile(devLogTurn, 'utf8').catch(() => '0'));
      if (holder > 0 && !existsSync(`/proc/${holder}`)) await rm(devLogTurn, { force: true });
      else await pause(100);
    }
  }
}

/** A real rsyslogd with a configuration of its own, on loopback and unix sockets. `devLog`: it owns /dev/log until it is stopped. */
export async function startRsyslog({ devLog = false } = {}): Promise<Rsyslog> {
  if (devLog) await takeDevLog();
  const folder = await mkdtemp(join(tmpdir(), 'tapline-rsyslog-'));
  const [tcp, udp] = [await freePort(), await freePort()];
  const socket = join(folder, 'log.sock');
  const out = join(folder, 'out.jsonl');
  const list = Object.entries(properties).map(([name, property]) => `property(outname="${name}" name="${property}" format="jsonf")`);
  await writeFile(out, '');
  await writeFile(
    join(folder, 'rsyslog.conf'),
    `global(workDirectory="${folder}" maxMessageSize="64k" net.enableDNS="off")
module(load="imuxsock" SysSock.Use="off") module(load="imudp") module(load="imptcp")
input(type="imuxsock" Socket="${socket}" ruleset="r" RateLimit.Interval="0" UseSysTimeStamp="off")
${devLog ? 'input(type="imuxsock" Socket="/dev/log" ruleset="r" RateLimit.Interval="0" UseSysTimeStamp="off")' : ''}
input(type="imudp" address="127.0.0.1" port="${udp}" ruleset="r")
input(type="imptcp" address="127.0.0.1" port="${tcp}" ruleset="r")
template(name="t" type="list" option.jsonf="on") { ${list.join(' ')} }
ruleset(name="r") { action(type="omfile" file="${out}" template="t" asyncWriting="off" flushOnTXEnd="on") }
`,
  );
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  const child = spawn('rsyslogd', ['-n', '-f', join(folder, 'rsyslog.conf'), '-i', join(folder, 'pid')], {
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = once(child, 'close');
  const killed = () => void child.kill('SIGKILL'); // A test that ran out of time leaves nothing behind.
  process.once('exit', killed);
  while (!(await answers(tcp)) || !existsSync(socket) || (devLog && !existsSync('/dev/log'))) {
    if (child.exitCode !== null) throw new Error(`rsyslogd ended with ${child.exitCode}`);
    await pause(50);
  }
  return {
    tcp,
    udp,
    socket,
    messages: (count) => untilLines(out, count),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      process.removeListener('exit', killed);
      if (devLog) {
        await rm('/dev/log', { force: true });
        await rm(devLogTurn, { force: true });
      }
      await rm(folder, { recursive: true });
    },
  };
}

async function untilLines(file: string, count: number): Promise<RsyslogMessage[]> {
  const changes = watch(file);
  try {
    for (;;) {
      const changed = once(changes, 'change'); // Before the look: what is written during it counts.
      const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
      const all = lines.map((line) => JSON.parse(line) as RsyslogMessage).filter(({ app }) => app !== 'rsyslogd');
      if (all.length >= count) return all;
      await changed;
    }
  } finally {
    changes.close();
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
