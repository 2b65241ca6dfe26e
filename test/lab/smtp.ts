import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/** A mail as the server has it: what came over the wire, and that parsed by a library that is not ours. */
export interface ReceivedMail {
  readonly raw: string;
  readonly mail: ParsedMail;
  readonly recipients: readonly string[];
  readonly secure: boolean;
}

export interface SmtpBehaviour {
  readonly key?: string;
  readonly cert?: string;
  readonly user?: { readonly name: string; readonly password: string };
  /** Answer for a recipient: undefined takes it. */
  readonly recipient?: (address: string) => number | undefined;
  /** Answer after DATA: undefined takes the mail, 'drop' closes the connection, 'silent' never answers. */
  readonly data?: () => number | 'drop' | 'silent' | undefined;
}

export interface SmtpReceiver {
  readonly port: number;
  /** Waits until there are so many. */
  mails(count: number): Promise<readonly ReceivedMail[]>;
  /** Somebody has begun to send a mail. */
  reached(): Promise<void>;
  readonly connections: () => number;
  stop(): Promise<void>;
}

const refusal = (code: number) => Object.assign(new Error('as the test wants it'), { responseCode: code });

/** A real SMTP server in this process, on loopback. */
export async function startSmtp(behaviour: SmtpBehaviour = {}): Promise<SmtpReceiver> {
  const got: ReceivedMail[] = [];
  const waiting = new Set<() => void>();
  const wake = () => waiting.forEach((look) => look());
  let begun = false;
  let connections = 0;
  const { key, cert, user } = behaviour;
  const server = new SMTPServer({
    ...(key === undefined || cert === undefined ? { disabledCommands: ['STARTTLS'] } : { key, cert }),
    authOptional: user === undefined,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    onConnect: (_session, done) => {
      connections += 1;
      done();
    },
    onAuth: ({ username, password }, _session, done) =>
      username === user?.name && password === user?.password ? done(null, { user: username }) : done(refusal(535)),
    onRcptTo: ({ address }, _session, done) => {
      const code = behaviour.recipient?.(address);
      done(code === undefined ? undefined : refusal(code));
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      begun = true;
      wake();
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const answer = behaviour.data?.();
        if (answer === 'silent') return;
        if (answer === 'drop')
          return void [...server.connections].forEach((connection) => (connection as { _socket: { destroy(): void } })._socket.destroy());
        if (answer !== undefined) return done(refusal(answer));
        const raw = Buffer.concat(chunks);
        void simpleParser(raw).then((mail) => {
          got.push({
            raw: raw.toString('latin1'),
            mail,
            recipients: session.envelope.rcptTo.map(({ address }) => address),
            secure: session.secure,
          });
          done(null, `queued as ${got.length}`);
          wake();
        });
      });
    },
  });
  server.on('error', () => undefined); // A client that goes away in mid-mail is what some tests are about.
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const until = (condition: () => boolean) =>
    new Promise<void>((done) => {
      const look = () => {
        if (!condition()) return;
        waiting.delete(look);
        done();
      };
      waiting.add(look);
      look();
    });
  return {
    port: (server.server.address() as AddressInfo).port,
    mails: (count) => until(() => got.length >= count).then(() => got),
    reached: () => until(() => begun),
    connections: () => connections,
    stop: () => new Promise((done) => server.close(() => done())),
  };
}
