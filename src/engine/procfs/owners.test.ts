import { readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Owners } from './owners.ts';

test('finds the process that holds a socket, and leaves the others unknown', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  await once(socket, 'connect');
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const own = Number(/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1]);
  const owners = new Owners('/proc');
  const comm = readFileSync('/proc/self/comm', 'utf8').replace(/\n$/, '');
  expect([...(await owners.find(new Set([own, 0, 1])))]).toEqual([[own, { pid: process.pid, comm }]]);
  // Known by now: told without another search.
  expect((await owners.find(new Set([own]))).get(own)?.pid).toBe(process.pid);
  const closed = once(socket, 'close');
  socket.destroy();
  await closed;
  server.close();
  expect((await owners.find(new Set([own]))).size).toBe(0);
});
