import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { provoke } from './provoke.ts';
import { provokeProgram } from './provoke-children.ts';

/** Sockets of /proc/net/tcp to a port, as [state, retransmissions]. */
const socketsTo = (port: number) =>
  readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => parseInt(columns[2]?.split(':')[1] ?? '', 16) === port)
    .map((columns) => [columns[3], parseInt(columns[6] ?? '', 16)] as const);
const listens = (port: number) =>
  readFileSync('/proc/net/tcp', 'latin1').includes(`0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`);
const running = (argument: string) =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(argument);
    } catch {
      return false;
    }
  });

test('the kernel sends SYNs again, and nothing is left when it is ended', async () => {
  const stop = new AbortController();
  const provoked = await provoke({ signal: stop.signal });
  expect(provoked.description).toContain(`127.0.0.1:${provoked.port}`);
  await expect
    .poll(() => socketsTo(provoked.port).filter(([state, resent]) => state === '02' && resent >= 1).length, { timeout: 5000 })
    .toBe(6);
  expect(listens(provoked.port)).toBe(true);
  stop.abort();
  await provoked.done;
  expect(listens(provoked.port)).toBe(false);
  expect(socketsTo(provoked.port).filter(([state]) => state === '02')).toEqual([]);
});

test('it ends by itself', async () => {
  const provoked = await provoke({ signal: new AbortController().signal, connections: 3, seconds: 1 });
  await provoked.done;
  expect(listens(provoked.port)).toBe(false);
});

test('nothing is left when whoever started it is killed', async () => {
  const seconds = `30.${process.pid}`;
  const parent = spawn(
    process.execPath,
    [
      '--eval',
      `const { spawn } = require('node:child_process');
       const child = spawn(process.execPath, ['--eval', process.env.TAPLINE_PROVOKE, '--', 'connect', '3', process.env.SECONDS], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
       child.stdout.pipe(process.stdout);`,
    ],
    { env: { TAPLINE_PROVOKE: provokeProgram, SECONDS: seconds }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  expect(listens(Number(said.toString()))).toBe(true);
  expect(running(seconds)).toHaveLength(1);
  parent.kill('SIGKILL');
  await expect.poll(() => listens(Number(said.toString())), { timeout: 10_000 }).toBe(false);
  await expect.poll(() => running(seconds), { timeout: 10_000 }).toEqual([]);
});

test('aborted before it began, it does not begin', async () => {
  await expect(provoke({ signal: AbortSignal.abort() })).rejects.toThrow();
});
