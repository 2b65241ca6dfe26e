import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import nodemailer from 'nodemailer';
import { Type, type Static } from 'typebox';
import { defineSink, retry, sent, type Notification, type SendResult, type Sink, type SinkContext } from '../../delivery/sink.ts';
import { error, warning, type Problem } from '../../problem/problem.ts';
import { secretOf } from '../secret.ts';
import { localZone, type Zone } from '../times.ts';
import { isLoopback, parseAddress, parseSmtp, type MailAddress, type SmtpServer } from './address.ts';
import { mailMessage } from './message.ts';
import { mailFailure, type MailError } from './problems.ts';

const duration = '^([0-9]+(ms|[smhdwy]))+$';
const recipients = (description: string, minItems: number) =>
  Type.Array(Type.String({ description: 'ops@example.org or "On call <ops@example.org>"' }), { minItems, maxItems: 100, description });

const schema = Type.Object(
  {
    smtp: Type.String({
      description: 'The mail server: smtps://host (port 465), or smtp://host:587 with STARTTLS (port 25 unless given). No user name in it.',
      examples: ['smtps://mail.example.org', 'smtp://mail.example.org:587', 'smtp://localhost'],
    }),
    from: Type.String({ description: 'Sender. Without a name it is shown as "Tapline HOST".' }),
    to: recipients('Recipients.', 1),
    cc: Type.Optional(recipients('More recipients, in copy.', 0)),
    username: Type.Optional(Type.String({ minLength: 1, description: 'User name, where the server wants one.' })),
    password: Type.Optional(Type.String({ description: 'Password; better ${VAR} or password_file.' })),
    password_file: Type.Optional(Type.String({ description: 'File with the password.' })),
    starttls: Type.Optional(
      Type.Enum(['auto', 'require', 'never'], {
        default: 'auto',
        description: 'For smtp://. auto: required where a password is sent to another host, used where offered, not used to this host.',
      }),
    ),
    ca_file: Type.Optional(Type.String({ description: 'PEM file of the CA that signed the server. The system list otherwise.' })),
    group_wait: Type.Optional(
      Type.String({
        pattern: duration,
        default: '10s',
        description: 'How long the first alert of a group waits for others to come along.',
      }),
    ),
    digest: Type.Optional(
      Type.String({ pattern: duration, default: '5m', description: 'After a mail, what comes within this time goes into one digest.' }),
    ),
  },
  { additionalProperties: false, description: 'E-mail: one alert a mail, a digest where there are more.' },
);
type Settings = Static<typeof schema>;

const wrongAddress = (path: (string | number)[], text: string) => ({
  path,
  problem: error('SINK_BAD_ADDRESS', `"${text}" is no mail address.`, { hint: 'Like ops@example.org, or "On call <ops@example.org>".' }),
});

export const emailSink = defineSink({
  type: 'email',
  summary: 'E-mail by SMTP: text and HTML, threads, digests.',
  schema,
  grouping: 'digest',
  maxItems: 1000,
  check: (config) => {
    const lists = { to: config.to, cc: config.cc ?? [] };
    const hint = 'Like smtps://mail.example.org or smtp://mail.example.org:587; user name and password have keys of their own.';
    return [
      ...(parseSmtp(config.smtp) === undefined
        ? [{ path: ['smtp'], problem: error('SINK_BAD_ADDRESS', 'This is no address of a mail server.', { hint }) }]
        : []),
      ...(parseAddress(config.from) === undefined ? [wrongAddress(['from'], config.from)] : []),
      ...Object.entries(lists).flatMap(([key, list]) =>
        list.flatMap((text, index) => (parseAddress(text) === undefined ? [wrongAddress([key, index], text)] : [])),
      ),
      ...((config.username === undefined) !== (config.password === undefined && config.password_file === undefined)
        ? [{ path: ['username'], problem: error('SINK_BAD_ADDRESS', 'username and password or password_file go together.') }]
        : []),
    ];
  },
  open: (config, context) => new EmailSink(config, context),
});

export class EmailSink implements Sink {
  readonly #settings: Settings;
  readonly #context: SinkContext;
  readonly #zone: Zone;
  readonly #server: SmtpServer | undefined;
  readonly #from: MailAddress | undefined;
  #transport: ReturnType<typeof transportFor> | undefined;
  /** Recipients that have the mail already, while others are to be tried again: they do not get it twice. */
  #partly: { readonly id: string; readonly have: ReadonlySet<string> } | undefined;

  constructor(settings: Settings, context: SinkContext, zone: Zone = localZone) {
    this.#settings = settings;
    this.#context = context;
    this.#zone = zone;
    this.#server = parseSmtp(settings.smtp);
    this.#from = parseAddress(settings.from);
  }

  async send(notification: Notification, signal: AbortSignal): Promise<readonly SendResult[]> {
    const result = await this.#mail(notification, signal);
    return notification.items.map(() => result);
  }

  async close(): Promise<void> {
    this.#transport?.close({ force: true });
    this.#transport = undefined;
  }

  async #mail(notification: Notification, signal: AbortSignal): Promise<SendResult> {
    const [server, from] = [this.#server, this.#from];
    if (server === undefined || from === undefined) return retry(error('SINK_BAD_ADDRESS', 'smtp or from is not valid.'));
    const where = `${server.host}:${server.port}`;
    try {
      this.#transport ??= transportFor(server, this.#settings);
    } catch (cause) {
      return retry(error('SINK_SECRET', 'A file with a secret or certificate cannot be read.', { cause: (cause as Error).message }));
    }
    const { hostname, name, clock } = this.#context;
    const { important, headers, ...message } = mailMessage(notification, { sink: name, hostname, zone: this.#zone }, from);
    const have = this.#partly?.id === notification.id ? this.#partly.have : new Set<string>();
    const list = (texts: readonly string[]) => texts.flatMap((text) => parseAddress(text) ?? []).map(nameAndAddress);
    const to = list(this.#settings.to);
    const cc = list(this.#settings.cc ?? []);
    try {
      const info = await this.#transport.sendMail({
        ...message,
        from: nameAndAddress(message.from),
        inReplyTo: message.references,
        to,
        cc,
        envelope: { from: from.address, to: [...to, ...cc].map(({ address }) => address).filter((address) => !have.has(address)) },
        date: new Date(clock.nowUs() / 1000),
        headers,
        ...(important ? { priority: 'high' as const } : {}),
        disableFileAccess: true,
        disableUrlAccess: true,
        signal,
      });
      return this.#settle(
        notification.id,
        have,
        info.accepted ?? [],
        (info.rejectedErrors ?? []) as MailError[],
        info.response ?? '',
        where,
      );
    } catch (thrown) {
      return mailFailure(thrown, where, signal);
    }
  }

  #settle(
    id: string,
    had: ReadonlySet<string>,
    accepted: readonly unknown[],
    refused: readonly MailError[],
    receipt: string,
    where: string,
  ): SendResult {
    this.#partly = undefined;
    if (refused.length === 0) return sent(receipt);
    const problem = partlyRefused(refused, where);
    const later = refused.some(({ responseCode = 0 }) => responseCode < 500);
    if (!later) return { outcome: 'sent', receipt, warning: problem };
    this.#partly = {
      id,
      have: new Set([...had, ...accepted.map((one) => (typeof one === 'string' ? one : (one as MailAddress).address))]),
    };
    return retry(problem);
  }
}

const nameAndAddress = ({ name = '', address }: MailAddress) => ({ name, address });

const partlyRefused = (refused: readonly MailError[], where: string): Problem =>
  warning(
    'SINK_PARTLY_REFUSED',
    `${where} took the mail, but not for ${refused.map(({ recipient }) => recipient ?? 'somebody').join(', ')}.`,
    {
      cause: refused.map(({ response, message }) => response ?? message).join('; '),
    },
  );

/** One pooled connection. nodemailer's own requeueing is off: delivery tries again, counted. */
function transportFor(server: SmtpServer, settings: Settings) {
  const password = secretOf(settings.password, settings.password_file);
  const near = isLoopback(server.host);
  const wanted = settings.starttls ?? 'auto';
  const requireTLS = !server.secure && (wanted === 'require' || (wanted === 'auto' && password !== undefined && !near));
  return nodemailer.createTransport({
    ...server,
    pool: true,
    maxConnections: 1,
    maxRequeues: 0,
    requireTLS,
    ignoreTLS: !server.secure && (wanted === 'never' || (wanted === 'auto' && near)),
    ...(settings.username === undefined || password === undefined ? {} : { auth: { user: settings.username, pass: password } }),
    tls: {
      ...(settings.ca_file === undefined ? {} : { ca: readFileSync(settings.ca_file) }),
      ...(isIP(server.host) ? {} : { servername: server.host }),
    },
    connectionTimeout: 30_000,
    greetingTimeout: 30_000,
    socketTimeout: 30_000,
  });
}
