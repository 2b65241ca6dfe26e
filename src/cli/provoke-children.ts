/**
 * The program that `provoke` runs as `node --eval`: it has to work from source and from dist, and nothing of it is ever
 * put together from input. One copy listens and never accepts (it blocks in a read, so Node cannot accept for it); the
 * other starts it, connects, and ends both. Each ends when its standard input ends, so nothing outlives whoever started it,
 * however that ended; the one that connects also ends by itself after `seconds`.
 * argv: "listen" | "connect", connections, seconds. Prints the port once the connects have been begun.
 */
export const provokeProgram = `
'use strict';
const { readSync, writeSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const [role, connections, seconds] = process.argv.slice(1);
if (role === 'listen') {
  const server = createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    writeSync(1, server.address().port + '\\n');
    try { readSync(0, Buffer.alloc(1)); } catch {}
    process.exit(0);
  });
} else {
  const { spawn } = require('node:child_process');
  const listener = spawn(process.execPath, ['--eval', process.env.TAPLINE_PROVOKE, '--', 'listen'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const end = () => { listener.stdin.end(); setTimeout(() => process.exit(0), 1000); };
  listener.on('exit', () => process.exit(0)).on('error', () => process.exit(1));
  listener.stdin.on('error', () => {});
  setTimeout(end, Number(seconds) * 1000);
  process.stdin.on('error', end).on('close', end).resume();
  process.stdout.on('error', end);
  let said = '';
  listener.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
    if (!said.endsWith('\\n')) return;
    for (let i = 0; i < Number(connections); i++) connect(Number(said), '127.0.0.1').on('error', () => {});
    writeSync(1, said);
  });
}
`;
