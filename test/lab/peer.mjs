// A process in a network namespace of a test: connects, sends and listens as told on stdin; ends when stdin does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const connections = [];
const accepted = [];
const children = [];
const verbs = {
  async listen({ port }) {
    await once(createServer((socket) => accepted.push(socket.on('error', () => {}).resume())).listen(port, '::'), 'listening');
    return port;
  },
  async listenOnly({ port, backlog }) {
    // Node accepts as soon as its event loop turns, so the listener is a process that sleeps.
    const program = `require('net').createServer().listen({port:${Number(port)},host:'::',backlog:${Number(backlog)}},()=>{require('fs').writeSync(1,'up\\n');Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0)})`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout, 'data');
    return port;
  },
  async connect({ host, port, wait }) {
    const socket = connect({ host, port, noDelay: true }).on('error', () => {});
    connections.push(socket);
    if (wait) await once(socket, 'connect');
    return socket.localPort ?? 0;
  },
  /** `name`: bytes as hexadecimal digits; at most 15 of them are kept. */
  async rename({ name }) {
    writeFileSync('/proc/self/comm', Buffer.from(name, 'hex'));
    return 0;
  },
  async answer({ bytes }) {
    for (const socket of accepted) socket.write(Buffer.alloc(bytes, 'y'));
    return bytes;
  },
  async send({ bytes }) {
    for (const socket of connections) socket.write(Buffer.alloc(bytes, 'x'));
    return bytes;
  },
};

process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { ok: await verbs[command.do](command) };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
