import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { OwnConnections } from './own-connections.ts';

test('knows a connection of this process by its ports, and for two minutes after it closed', async () => {
  let nowUs = 0;
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = (server.address() as { port: number }).port;
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const own = new OwnConnections({ nowUs: () => nowUs });
  const local = socket.localPort ?? 0;

  expect(own.has(local, port)).toBe(true);
  expect(own.has(port, 1)).toBe(false);

  socket.destroy();
  server.close();
  nowUs += 119_000_000;
  expect(own.has(local, port)).toBe(true);
  nowUs += 2_000_000;
  expect(own.has(local, port)).toBe(false);
});
