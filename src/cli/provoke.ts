import { spawn } from 'node:child_process';
import { provokeProgram } from './provoke-children.ts';

export interface Provoked {
  /** The listener's port on 127.0.0.1. */
  readonly port: number;
  /** What was done to the machine, in one sentence for the person who reads it. */
  readonly description: string;
  /** Resolves when both processes have gone, and with them the connections. Never rejects. */
  readonly done: Promise<void>;
}

export interface ProvokeOptions {
  /** Ends it before its time; what it made is then gone as well. */
  readonly signal: AbortSignal;
  /** Two of them fill the accept queue, the rest is not answered. Default 8. */
  readonly connections?: number;
  /** When it ends by itself; at most 40. Default 20: on kernels from 6.5 the timeouts 1000 (five times), 2000, 4000 and 8000 ms. */
  readonly seconds?: number;
}

/**
 * Real TCP retransmissions on loopback, without privilege: the accept queue of a listener that never accepts is filled, so
 * the kernel drops further SYNs, and sends them again after 1 s and so on. In two processes of their own, so that they are
 * never taken for Tapline's own connections.
 * Rejects when the processes cannot be started, or when `signal` was aborted before the connections were begun.
 */
export async function provoke({ signal, connections = 8, seconds = 20 }: ProvokeOptions): Promise<Provoked> {
  signal.throwIfAborted();
  const bound = Math.min(Math.max(seconds, 1), 40);
  const child = spawn(process.execPath, ['--eval', provokeProgram, '--', 'connect', `${connections}`, `${bound}`], {
    env: { PATH: process.env['PATH'], TAPLINE_PROVOKE: provokeProgram },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const end = () => child.stdin.end();
  signal.addEventListener('abort', end, { once: true });
  child.stdin.on('error', () => undefined);
  // It waits for the listener to go, so its own end is the end of all.
  const done = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  void done.then(() => signal.removeEventListener('abort', end));
  const port = await new Promise<number>((resolve, reject) => {
    let said = '';
    child.once('error', reject);
    child.once('close', () => reject(new Error('The processes that provoke retransmissions ended before they could begin.')));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.endsWith('\n')) resolve(Number(said));
    });
  });
  const description =
    `To show you one, ${connections} connections to a listener that never answers were opened on 127.0.0.1:${port} ` +
    `(real retransmissions, for ${bound} s).`;
  return { port, description, done };
}
