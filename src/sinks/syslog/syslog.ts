import { Type, type Static } from 'typebox';
import { defineSink, retry, type Notification, type SendResult, type Sink, type SinkContext } from '../../delivery/sink.ts';
import { error } from '../../problem/problem.ts';
import { parseSyslogAddress, type SyslogAddress } from './address.ts';
import { openLocalPort } from './local.ts';
import type { SyslogPort } from './port.ts';
import { facilities, type SyslogIdentity } from './rfc5424.ts';
import { StreamPort } from './stream.ts';
import { UdpPort } from './udp.ts';

const schema = Type.Object(
  {
    address: Type.String({
      description: 'tcp://host:port, tls://host:port or udp://host:port (RFC 5424), or unix:/dev/log (RFC 3164, as local daemons read it).',
      examples: ['tcp://loghost:514', 'udp://[2001:db8::1]:514', 'tls://loghost:6514', 'unix:/dev/log'],
    }),
    facility: Type.Optional(Type.Enum([...facilities], { default: 'daemon', description: 'RFC 5424 facility.' })),
    app_name: Type.Optional(
      Type.String({ pattern: '^[!-~]{1,48}$', default: 'tapline', description: 'APP-NAME, the program name that receivers show.' }),
    ),
    enterprise: Type.Optional(
      Type.Integer({
        minimum: 1,
        default: 32473,
        description: 'Your IANA private enterprise number, for the SD-ID tapline@NUMBER. 32473 is the one for examples (RFC 5612).',
      }),
    ),
    framing: Type.Optional(
      Type.Enum(['octet-counting', 'newline'], {
        default: 'octet-counting',
        description: 'How messages are told apart on TCP (RFC 6587). TLS is octet-counting always.',
      }),
    ),
    max_size: Type.Optional(
      Type.Integer({
        minimum: 480,
        maximum: 65_000,
        description:
          'Largest message in bytes; what is over is cut, marked and told. 2048 on UDP and 8192 elsewhere unless given: what receivers take by default.',
      }),
    ),
    ca_file: Type.Optional(
      Type.String({ description: 'PEM file of the CA that signed the receiver (tls://). The system list otherwise.' }),
    ),
  },
  { additionalProperties: false, description: 'Syslog, RFC 5424 with structured data.' },
);
type Settings = Static<typeof schema>;

export const syslogSink = defineSink({
  type: 'syslog',
  summary: 'Syslog: RFC 5424 over TCP, TLS or UDP, or the local /dev/log.',
  schema,
  grouping: 'each',
  maxItems: 200,
  check: (config) => {
    const address = parseSyslogAddress(config.address);
    if (address === undefined)
      return [
        {
          path: ['address'],
          problem: error('SINK_BAD_ADDRESS', `"${config.address}" is no syslog address.`, {
            hint: 'One of tcp://host:port, tls://host:port, udp://host:port, unix:/dev/log.',
          }),
        },
      ];
    if (config.ca_file !== undefined && address.kind !== 'tls')
      return [{ path: ['ca_file'], problem: error('SINK_BAD_ADDRESS', 'ca_file has a meaning with tls:// only.') }];
    return [];
  },
  open: (config, context) => new SyslogSink(config, context),
});

export class SyslogSink implements Sink {
  readonly #port: SyslogPort | undefined;
  readonly #address: string;

  constructor(config: Settings, context: SinkContext) {
    this.#address = config.address;
    const address = parseSyslogAddress(config.address);
    this.#port = address === undefined ? undefined : openPort(address, config, context);
  }

  async send(notification: Notification, signal: AbortSignal): Promise<readonly SendResult[]> {
    if (this.#port === undefined)
      return notification.items.map(() => retry(error('SINK_BAD_ADDRESS', `"${this.#address}" is no syslog address.`)));
    return this.#port.send(notification.items, signal);
  }

  async close(): Promise<void> {
    await this.#port?.close();
  }
}

function openPort(address: SyslogAddress, config: Settings, context: SinkContext): SyslogPort {
  const identity: SyslogIdentity = {
    facility: config.facility ?? 'daemon',
    appName: config.app_name ?? 'tapline',
    enterprise: config.enterprise ?? 32473,
    hostname: context.hostname,
    procid: String(process.pid),
    maxSize: config.max_size ?? (address.kind === 'udp' ? 2048 : 8192),
  };
  if (address.kind === 'unix') return openLocalPort(address.path, identity, context.spawn);
  if (address.kind === 'udp') return new UdpPort(address, identity);
  const framing = address.kind === 'tls' ? 'octet-counting' : (config.framing ?? 'octet-counting');
  return new StreamPort(
    {
      kind: address.kind,
      host: address.host,
      port: address.port,
      framing,
      ...(config.ca_file === undefined ? {} : { caFile: config.ca_file }),
    },
    identity,
  );
}
