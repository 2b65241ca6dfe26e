import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { startChild } from '../child.ts';
import type { EngineHost } from '../engine.ts';
import { parseProcNetTcp } from './proc-net-tcp.ts';
import type { Source } from './socket.ts';
import { parseSs, ssArguments } from './ss-output.ts';

const ssLimitMs = 5000;

/** Asks the kernel through `ss`: counters in all, timeouts to the millisecond, back-off, cookies. */
export const ssSource = (host: EngineHost): Source => ({
  name: 'ss',
  counts: 'total',
  async read(_known, signal) {
    const { sockets, informed } = parseSs(await runSs(host, ssArguments, signal));
    if (!informed) throw new Error('ss may not ask the kernel here (no tcp_info)');
    return sockets;
  },
});

/** Reads /proc/net/tcp and tcp6: timeouts in 10 ms, and only what timers resent. */
export const procSource = (host: EngineHost): Source => ({
  name: 'proc',
  counts: 'since_ack',
  async read(known) {
    const table = (name: string) => readFile(`${host.proc}/self/net/${name}`, 'latin1');
    // Without IPv6 in the kernel there is no tcp6.
    const texts = await Promise.all([table('tcp'), table('tcp6').catch(() => '')]);
    return texts.flatMap((text) => parseProcNetTcp(text, known));
  },
});

/** What `ss` prints to the end. Rejects with what it said where it cannot be run, fails, or takes longer than 5 s. */
export async function runSs(host: EngineHost, args: readonly string[], signal: AbortSignal): Promise<string> {
  const said: string[] = [];
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].filter((folder) => folder !== '').join(':');
  const child = startChild(host.spawn, 'ss', args, { env: { PATH: path, LC_ALL: 'C' }, onStderr: (line) => said.push(line) });
  const kill = () => void child.stop([{ signal: 'SIGKILL', afterMs: 0 }]);
  const limit = setTimeout(kill, ssLimitMs);
  signal.addEventListener('abort', kill, { once: true });
  try {
    const parts: Uint8Array[] = [];
    for await (const chunk of child.lines()) parts.push(chunk);
    const { code, error } = await child.exited;
    if (error !== undefined) throw new Error(`ss cannot be started (${error.message})`);
    if (code === null) throw new Error(signal.aborted ? 'ss was stopped' : `ss took longer than ${ssLimitMs} ms, or was killed`);
    if (code !== 0) throw new Error(`ss ended with status ${code}${said.length > 0 ? `: ${said.slice(0, 3).join('; ')}` : ''}`);
    return Buffer.concat(parts).toString('latin1');
  } finally {
    clearTimeout(limit);
    signal.removeEventListener('abort', kill);
  }
}

/** net.ipv4.tcp_syn_linear_timeouts, which kernels have from 6.5 on. */
export function linearSyns(host: EngineHost): number {
  try {
    return Number(readFileSync(`${host.proc}/sys/net/ipv4/tcp_syn_linear_timeouts`, 'latin1'));
  } catch {
    return 0;
  }
}
