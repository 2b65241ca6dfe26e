import { readFileSync } from 'node:fs';
import kafkajs, { type KafkaConfig, type Producer, type SASLOptions } from 'kafkajs';
import { Type, type Static } from 'typebox';
import type { Item } from '../../alerts/item.ts';
import { defineSink, reject, retry, sent, type Notification, type SendResult, type Sink, type SinkContext } from '../../delivery/sink.ts';
import { error, type Problem } from '../../problem/problem.ts';
import { secretOf } from '../secret.ts';
import { innermost, isTooLarge, kafkaProblem } from './problems.ts';
import { kafkaRecord } from './record.ts';

const { CompressionTypes, Kafka, Partitioners, logLevel } = kafkajs;

const schema = Type.Object(
  {
    brokers: Type.Array(Type.String({ description: 'host:port' }), { minItems: 1, description: 'Brokers to begin with, each host:port.' }),
    topic: Type.String({ pattern: '^[A-Za-z0-9._-]{1,249}$', description: 'The topic. It must exist: Tapline does not make topics.' }),
    client_id: Type.Optional(
      Type.String({ pattern: '^[!-~]{1,100}$', default: 'tapline', description: 'The name that the broker logs for us.' }),
    ),
    compression: Type.Optional(Type.Enum(['none', 'gzip'], { default: 'none', description: 'Compression of batches.' })),
    tls: Type.Optional(Type.Boolean({ default: false, description: 'Speak TLS. ca_file switches it on too.' })),
    ca_file: Type.Optional(Type.String({ description: 'PEM file of the CA that signed the brokers. The system list otherwise.' })),
    sasl: Type.Optional(
      Type.Enum(['plain', 'scram-sha-256', 'scram-sha-512'], {
        description: 'How to log in. Needs username and a password.',
      }),
    ),
    username: Type.Optional(Type.String({ minLength: 1, description: 'User name for sasl.' })),
    password: Type.Optional(Type.String({ description: 'Password for sasl; better ${VAR} or password_file.' })),
    password_file: Type.Optional(Type.String({ description: 'File with the password for sasl.' })),
  },
  { additionalProperties: false, description: 'A Kafka topic, one record an item.' },
);
type Settings = Static<typeof schema>;

const broker = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})$/;

export const kafkaSink = defineSink({
  type: 'kafka',
  summary: 'A Kafka topic: idempotent, acknowledged by all replicas, key and CloudEvents headers.',
  schema,
  grouping: 'each',
  maxItems: 500,
  check: (config) => [
    ...config.brokers.flatMap((text, index) => {
      const port = Number(broker.exec(text)?.[2] ?? 0);
      if (port >= 1 && port <= 65_535) return [];
      return [{ path: ['brokers', index], problem: error('SINK_BAD_ADDRESS', `"${text}" is no broker address; it must be host:port.`) }];
    }),
    ...(config.sasl !== undefined &&
    (config.username === undefined || (config.password === undefined && config.password_file === undefined))
      ? [{ path: ['sasl'], problem: error('SINK_BAD_ADDRESS', 'sasl needs username and password or password_file.') }]
      : []),
  ],
  open: (config, context) => new KafkaSink(config, context),
});

export class KafkaSink implements Sink {
  readonly #settings: Settings;
  readonly #hostname: string;
  #producer: Producer | undefined;
  /**
   * The batch that failed last. kafkajs gives the sequence numbers of a failed batch to whatever comes next, which the
   * broker then takes for a double and drops without a word. So: the very same batch again, or another producer.
   */
  #unsettled: string | undefined;

  constructor(settings: Settings, context: SinkContext) {
    this.#settings = settings;
    this.#hostname = context.hostname;
  }

  async send(notification: Notification, signal: AbortSignal): Promise<readonly SendResult[]> {
    const { items } = notification;
    const problem = await this.#sendBatch(items, signal);
    if (problem === undefined) return items.map(() => sent(this.#settings.topic));
    if (problem !== 'too large') return items.map(() => retry(problem));
    if (items.length === 1) return [reject(tooLarge(this.#settings.topic))];
    return this.#oneByOne(items, signal);
  }

  async close(): Promise<void> {
    await this.#drop();
  }

  /** The batch is too large, or one item in it: each alone, so that the guilty one is named. */
  async #oneByOne(items: readonly Item[], signal: AbortSignal): Promise<SendResult[]> {
    const results: SendResult[] = [];
    let failed: SendResult | undefined;
    for (const item of items) {
      const problem = failed === undefined ? await this.#sendBatch([item], signal) : undefined;
      if (problem !== undefined && problem !== 'too large') failed = retry(problem);
      results.push(failed ?? (problem === 'too large' ? reject(tooLarge(this.#settings.topic)) : sent(this.#settings.topic)));
    }
    return results;
  }

  async #sendBatch(items: readonly Item[], signal: AbortSignal): Promise<Problem | 'too large' | undefined> {
    if (signal.aborted) return this.#brokenOff();
    const batch = items.map(({ id }) => id).join('\n');
    if (this.#unsettled !== undefined && this.#unsettled !== batch) await this.#drop();
    this.#unsettled = batch;
    const outcome = await Promise.race([this.#attempt(items, signal), broken(signal)]);
    if (outcome === 'aborted') {
      await this.#drop(); // It may still be under way in there; another producer is never confused by it.
      return this.#brokenOff();
    }
    if (outcome.ok) {
      this.#unsettled = undefined;
      return undefined;
    }
    if (isTooLarge(outcome.thrown)) {
      await this.#drop();
      return 'too large';
    }
    if (needsNewProducer.has(innermost(outcome.thrown).type ?? '')) await this.#drop();
    return this.#problem(outcome.thrown);
  }

  async #attempt(items: readonly Item[], signal: AbortSignal): Promise<{ ok: true } | { ok: false; thrown: unknown }> {
    try {
      const producer = this.#producer ?? (await this.#connect(signal));
      await producer.send({
        topic: this.#settings.topic,
        acks: -1,
        timeout: 10_000,
        compression: this.#settings.compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None,
        messages: items.map((item) => ({ ...kafkaRecord(item, this.#hostname) })),
      });
      return { ok: true };
    } catch (thrown) {
      return { ok: false, thrown };
    }
  }

  async #connect(signal: AbortSignal): Promise<Producer> {
    const producer = new Kafka(clientOptions(this.#settings)).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: attempts,
    });
    try {
      await producer.connect();
      if (signal.aborted) throw new Error('broken off');
    } catch (cause) {
      await producer.disconnect().catch(() => undefined);
      throw cause;
    }
    return (this.#producer = producer);
  }

  async #drop(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    this.#unsettled = undefined;
    await producer?.disconnect().catch(() => undefined);
  }

  #problem(thrown: unknown): Problem {
    const { code, message } = innermost(thrown);
    if (code === 'ENOENT' || code === 'EACCES')
      return error('SINK_SECRET', 'A file with a secret or certificate cannot be read.', { cause: message });
    return kafkaProblem(thrown, this.#settings.topic, this.#settings.brokers);
  }

  #brokenOff = (): Problem => error('SINK_ABORTED', `${this.#settings.brokers.join(', ')} did not acknowledge in time.`);
}

/** kafkajs' own quick attempts at one batch, sequence numbers kept; delivery does the patient ones. */
const attempts = { retries: 4, initialRetryTime: 200, maxRetryTime: 1000 } as const;

/** The broker has lost track of this producer, or it of the broker. */
const needsNewProducer: ReadonlySet<string> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'PRODUCER_FENCED',
]);

const tooLarge = (topic: string) => error('SINK_TOO_LARGE', `The item is larger than the topic "${topic}" takes.`);

const broken = (signal: AbortSignal): Promise<'aborted'> =>
  new Promise((done) => {
    if (signal.aborted) done('aborted');
    signal.addEventListener('abort', () => done('aborted'), { once: true });
  });

function clientOptions(settings: Settings): KafkaConfig {
  const ca = settings.ca_file === undefined ? undefined : readFileSync(settings.ca_file, 'utf8');
  const password = secretOf(settings.password, settings.password_file);
  const { username, sasl: mechanism } = settings;
  return {
    brokers: [...settings.brokers],
    clientId: settings.client_id ?? 'tapline',
    // What it would log comes back as problems.
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5000,
    authenticationTimeout: 10_000,
    requestTimeout: 15_000,
    retry: attempts,
    ...(ca !== undefined ? { ssl: { ca: [ca] } } : settings.tls === true ? { ssl: true } : {}),
    ...(mechanism !== undefined && username !== undefined && password !== undefined
      ? { sasl: { mechanism, username, password } as SASLOptions }
      : {}),
  };
}
