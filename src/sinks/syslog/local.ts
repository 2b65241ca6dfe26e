import type { ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Item } from '../../alerts/item.ts';
import { retry, sent, type SendResult } from '../../delivery/sink.ts';
import type { Spawn } from '../../engine/child.ts';
import { error, type Problem } from '../../problem/problem.ts';
import { cutBytes, messageText, priority, type SyslogIdentity } from './rfc5424.ts';
import type { SyslogPort } from './port.ts';

/** One message into the C library's syslog(3). */
type Log = (priority: number, message: string, done: () => void) => void;

/** The only path that syslog(3) knows (_PATH_LOG of glibc). */
const libraryPath = '/dev/log';
const LOG_PID = 1;

/**
 * What the local socket's receivers read is RFC 3164 ("<PRI>Mmm dd hh:mm:ss tapline[pid]: text"), which has no structured
 * data, so rule, goal and id stand at the end of the text. Node cannot open datagram sockets of the unix kind by itself:
 * the optional native package does it through syslog(3), else a `logger` child that is kept open. The receipt says which.
 */
export function openLocalPort(
  path: string,
  identity: SyslogIdentity,
  spawn: Spawn,
  native: Log | 'not built' = nativeLog(identity.appName),
): SyslogPort {
  const way = path === libraryPath && native !== 'not built' ? new LibraryWriter(native) : new LoggerWriter(path, identity.appName, spawn);
  return new LocalPort(path, identity, way);
}

/** Text of one message: one line, never longer than receivers of /dev/log take. */
export function localText(item: Item, maxSize: number): { text: string; cut: number } {
  const tail = ` [rule=${item.rule} goal=${item.goal} id=${item.id}]`;
  const text = messageText(item);
  const kept = cutBytes(text, Math.max(0, maxSize - Buffer.byteLength(tail) - ' [cut]'.length));
  const cut = Buffer.byteLength(text) - Buffer.byteLength(kept);
  return { text: kept + (cut > 0 ? ' [cut]' : '') + tail, cut };
}

interface Writer {
  readonly name: 'node-syslog' | 'logger';
  write(priority: number, text: string, signal: AbortSignal): Promise<Problem | undefined>;
  close(): Promise<void>;
}

class LocalPort implements SyslogPort {
  readonly #path: string;
  readonly #identity: SyslogIdentity;
  readonly #writer: Writer;

  constructor(path: string, identity: SyslogIdentity, writer: Writer) {
    this.#path = path;
    this.#identity = identity;
    this.#writer = writer;
  }

  async send(items: readonly Item[], signal: AbortSignal): Promise<readonly SendResult[]> {
    const results: SendResult[] = [];
    let failed: SendResult | undefined;
    for (const item of items) {
      failed ??= await this.#problem(signal);
      const { text, cut } = localText(item, this.#identity.maxSize);
      if (failed === undefined) {
        const problem = await this.#writer.write(priority(this.#identity.facility, item), text, signal);
        if (problem !== undefined) failed = retry(problem);
      }
      results.push(failed ?? sent(`${this.#path} by ${this.#writer.name}${cut > 0 ? `, ${cut} bytes cut` : ''}`));
    }
    return results;
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  /** syslog(3) tells no errors and logger only some: what can be known before is looked at before. */
  async #problem(signal: AbortSignal): Promise<SendResult | undefined> {
    if (signal.aborted) return retry(error('SINK_ABORTED', `Writing to ${this.#path} was broken off.`));
    if (statSync(this.#path, { throwIfNoEntry: false })?.isSocket() === true) return undefined;
    return retry(
      error('SINK_UNREACHABLE', `${this.#path} is no socket: no syslog daemon listens there.`, {
        hint: 'Install one; the package rsyslog is in every distribution.',
      }),
    );
  }
}

class LibraryWriter implements Writer {
  readonly name = 'node-syslog';
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** One at a time: the package works in a thread pool, which would change the order. */
  write(level: number, text: string): Promise<undefined> {
    return new Promise((done) => this.#log(level, text, () => done(undefined)));
  }

  /** Nothing: closelog(3) right after a message takes its ident away (the worker may not have run), and other sinks share it. */
  async close(): Promise<void> {}
}

class LoggerWriter implements Writer {
  readonly name = 'logger';
  readonly #path: string;
  readonly #tag: string;
  readonly #spawn: Spawn;
  #child: ChildProcess | undefined;
  #said = '';

  constructor(path: string, tag: string, spawn: Spawn) {
    this.#path = path;
    this.#tag = tag;
    this.#spawn = spawn;
  }

  async write(level: number, text: string, signal: AbortSignal): Promise<Problem | undefined> {
    const child = this.#child ?? this.#start();
    let onEnd: (() => void) | undefined;
    const ended = new Promise<Problem>((done) => child.once('close', (onEnd = () => done(this.#problem()))));
    const abort = new Promise<Problem>((done) =>
      signal.addEventListener('abort', () => done(error('SINK_ABORTED', 'logger takes nothing more at the moment.')), { once: true }),
    );
    const written = new Promise<Problem | undefined>((done) =>
      child.stdin?.write(`<${level}>${text}\n`, (cause) => done(cause ? this.#problem() : undefined)),
    );
    // logger that cannot open its socket ends at once; a turn of the loop lets that be seen before the answer.
    const result = await Promise.race([
      ended,
      abort,
      written.then(async (problem) => problem ?? (await new Promise((turn) => setImmediate(turn)))),
    ]);
    if (onEnd !== undefined) child.removeListener('close', onEnd);
    return (result as Problem | undefined) ?? (this.#child === child ? undefined : this.#problem());
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const closed = new Promise((done) => child.once('close', done));
    child.stdin?.end();
    await closed;
  }

  #start(): ChildProcess {
    this.#said = '';
    const args = [
      '--socket',
      this.#path,
      '--socket-errors=on',
      '--prio-prefix',
      '--id=' + String(process.pid),
      '--tag',
      this.#tag,
      '--size',
      '64KiB',
    ];
    const child = this.#spawn('logger', args, { stdin: 'pipe' });
    this.#child = child;
    child.stdin?.on('error', () => undefined); // Told by the write's own callback.
    child.stderr?.on('data', (bytes: Buffer) => (this.#said = (this.#said + bytes.toString()).slice(-500)));
    child.once('error', (cause) => (this.#said = cause.message));
    child.once('close', () => {
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }

  #problem(): Problem {
    if (this.#said.includes('ENOENT') && this.#said.includes('spawn'))
      return error('SINK_NO_WRITER', 'There is neither the native syslog package nor logger.');
    return error('SINK_UNREACHABLE', `${this.#path} takes no messages.`, { cause: this.#said.trim() || 'logger ended' });
  }
}

/** syslog(3) of the optional package, opened once for the whole process; or 'not built'. */
let opened: Log | 'not built' | undefined;
function nativeLog(ident: string): Log | 'not built' {
  if (opened !== undefined) return opened;
  try {
    const library = createRequire(import.meta.url)('node-syslog') as {
      init(ident: string, option: number, facility: number): void;
      log: Log;
    };
    library.init(ident, LOG_PID, 3 << 3);
    opened = (level, message, done) => library.log(level, message, done);
  } catch {
    opened = 'not built';
  }
  return opened;
}
