import { Type, type Static } from 'typebox';
import { defineSink, reject, retry, sent, type Notification, type SendResult, type Sink, type SinkContext } from '../../delivery/sink.ts';
import { error } from '../../problem/problem.ts';
import { jsonLine } from '../json.ts';
import { localZone, offsetText, type Zone } from '../times.ts';
import { personLine } from './line.ts';

const schema = Type.Object(
  {
    format: Type.Optional(
      Type.Enum(['auto', 'text', 'json'], {
        default: 'auto',
        description: 'text: a line for a person; json: one JSON object a line; auto: text on a terminal, json otherwise.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Standard output.' },
);

/** Lines on standard output. Colour on a terminal unless NO_COLOR is set (no-color.org). */
export const stdoutSink = defineSink({
  type: 'stdout',
  summary: 'A line for a person on a terminal, JSON lines otherwise.',
  schema,
  grouping: 'each',
  maxItems: 500,
  open: (config, context) => new StdoutSink(config, context),
});

export class StdoutSink implements Sink {
  readonly #context: SinkContext;
  readonly #zone: Zone;
  readonly #text: boolean;
  readonly #colour: boolean;
  #offset = '';
  #gone = false;
  /** A write that outlived its deadline: a retry of the same notification waits for it, it does not write again. */
  #pending: { readonly id: string; readonly done: Promise<SendResult> } | undefined;
  readonly #onError = () => void (this.#gone = true);

  constructor(config: Static<typeof schema>, context: SinkContext, zone: Zone = localZone) {
    const { stdout, env } = context;
    this.#context = context;
    this.#zone = zone;
    this.#text = config.format === 'text' || (config.format !== 'json' && stdout.isTTY === true);
    this.#colour = this.#text && stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
    stdout.on('error', this.#onError);
  }

  async send(notification: Notification, signal: AbortSignal): Promise<readonly SendResult[]> {
    const all = (result: SendResult) => notification.items.map(() => result);
    if (this.#gone) return all(readerGone());
    if (signal.aborted) return all(retry(tooSlow()));
    if (this.#pending?.id !== notification.id) {
      await this.#pending?.done;
      this.#pending = { id: notification.id, done: this.#write(this.#linesOf(notification)) };
    }
    const { done } = this.#pending;
    const result = await Promise.race([done, aborted(signal)]);
    if (result === undefined) return all(retry(tooSlow()));
    this.#pending = undefined;
    return all(result);
  }

  async close(): Promise<void> {
    this.#context.stdout.removeListener('error', this.#onError);
  }

  #linesOf({ items }: Notification): string {
    if (!this.#text) return items.map((item) => `${jsonLine(item.body)}\n`).join('');
    return items.map((item) => this.#zoneLine(item.timeUs) + `${personLine(item, this.#zone, this.#colour)}\n`).join('');
  }

  /** The offset is told once, and again when it changes. */
  #zoneLine(timeUs: number): string {
    const offset = offsetText(timeUs, this.#zone);
    if (offset === this.#offset) return '';
    this.#offset = offset;
    return `Times are local, UTC${offset}.\n`;
  }

  #write(text: string): Promise<SendResult> {
    return new Promise((done) => {
      this.#context.stdout.write(text, (cause?: Error | null) => {
        if (cause instanceof Error) this.#gone = true;
        done(this.#gone ? readerGone() : sent());
      });
    });
  }
}

const readerGone = (): SendResult =>
  reject(error('SINK_CLOSED', 'Nobody reads standard output any more; what was meant for it is given up.'));
const tooSlow = () => error('SINK_ABORTED', 'Standard output takes nothing more at the moment.');

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((done) => {
    if (signal.aborted) done(undefined);
    signal.addEventListener('abort', () => done(undefined), { once: true });
  });
