import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** A receiver of syslog in this process, on loopback; messages without their framing, in the order of arrival. */
export interface SyslogReceiver {
  readonly port: number;
  /** Waits until there are so many. */
  readonly messages: (count: number) => Promise<readonly string[]>;
  /** Closes the connections that are open now; goes on listening. Resolves when the other end knows. */
  hangUp(): Promise<void>;
  readonly connections: () => number;
  stop(): Promise<void>;
}

function inbox() {
  const got: string[] = [];
  const waiting = new Set<() => void>();
  return {
    push: (message: string) => {
      got.push(message);
      waiting.forEach((look) => look());
    },
    messages: (count: number) =>
      new Promise<readonly string[]>((done) => {
        const look = () => {
          if (got.length < count) return;
          waiting.delete(look);
          done(got);
        };
        waiting.add(look);
        look();
      }),
  };
}

/** RFC 6587 3.4.1, octet counting; with a certificate over TLS (RFC 5425). Strict: anything that is no frame ends the connection. */
export async function startTcpSyslog(certificate?: { readonly key: string; readonly cert: string }): Promise<SyslogReceiver> {
  const box = inbox();
  const sockets = new Set<Socket>();
  let connections = 0;
  const accept = (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    let rest = Buffer.alloc(0);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const head = /^([1-9][0-9]{0,9}) /.exec(rest.toString('latin1', 0, 12));
        if (head === null) return void (rest.length > 11 && socket.destroy());
        const start = head[0].length;
        const end = start + Number(head[1]);
        if (rest.length < end) return;
        box.push(rest.toString('utf8', start, end));
        rest = rest.subarray(end);
      }
    });
  };
  const server = certificate === undefined ? createServer(accept) : createTlsServer(certificate, accept);
  server.on('tlsClientError', () => undefined); // A client that does not trust the certificate.
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    messages: box.messages,
    connections: () => connections,
    hangUp: () => Promise.all([...sockets].map((socket) => (socket.destroy(), once(socket, 'close')))).then(() => undefined),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** RFC 5426, one message a datagram. */
export async function startUdpSyslog(): Promise<SyslogReceiver> {
  const box = inbox();
  const socket = createSocket('udp4', (message) => box.push(message.toString('utf8')));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    messages: box.messages,
    connections: () => 0,
    hangUp: () => Promise.resolve(),
    stop: () => new Promise((done) => socket.close(() => done())),
  };
}

/** The parts of an RFC 5424 message, read by its grammar (section 6); undefined where it does not follow it. */
export function parse5424(message: string) {
  const head = /^<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) /.exec(message);
  if (head === null) return undefined;
  const [whole, pri, time, host, app, procid, msgid] = head;
  let at = whole.length;
  const data: Record<string, Record<string, string>> = {};
  while (message[at] === '[') {
    const id = /^\[([^ =\]"]{1,32})/.exec(message.slice(at));
    if (id === null) return undefined;
    at += id[0].length;
    const params: Record<string, string> = {};
    for (;;) {
      const param = /^ ([^ =\]"]{1,32})="((?:[^"\\\]]|\\.)*)"/s.exec(message.slice(at));
      if (param === null) break;
      params[param[1] ?? ''] = (param[2] ?? '').replace(/\\(["\\\]])/g, '$1');
      at += param[0].length;
    }
    if (message[at] !== ']') return undefined;
    at += 1;
    data[id[1] ?? ''] = params;
  }
  return { priority: Number(pri), time, host, app, procid, msgid, data, text: message.slice(at + 1) };
}
