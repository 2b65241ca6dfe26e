import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Module } from '../../generate/module.ts';
import type { EngineHost } from '../engine.ts';
import { readOrNothing } from '../kernel-facts.ts';
import type { Lines } from '../new-run.ts';
import { beatLine, byeLine, markLine, taggedOutput } from '../script-lines.ts';
import { Mark } from './mark.ts';

/** A marker was made between two readings of the clock; `lines`: what the module answered at once. */
export interface Knock {
  readonly beforeUs: number;
  readonly afterUs: number;
  readonly lines?: Uint8Array;
}

/** How a loaded module and Tapline talk to each other. */
export interface Voice {
  /** What its lines are. */
  readonly printed: Lines;
  /** Whole lines of its output, as lines of the dialect. */
  lines(output: Uint8Array): Uint8Array;
  /** These lines say that the probes are attached. */
  saysReady(lines: Uint8Array): boolean;
  /** Makes marker `number`; undefined where the module is not there yet or not any more, or did not answer for `waitMs`. */
  knock(number: number, waitMs: number, over: AbortSignal): Promise<Knock | undefined>;
  /** Lines after its last one. `left`: the module is still there; `dropped`: what staprun said at its end that was lost. */
  tail(left: boolean, dropped: number): Uint8Array;
  close(): void;
}

export const voiceOf = (module: Module, host: EngineHost): Voice =>
  module.goal.script === undefined ? generatedVoice(module, host) : new ScriptVoice(module, module.goal.script.clock, host);

function generatedVoice(module: Module, host: EngineHost): Voice {
  const folder = `${host.proc}/systemtap/${module.name}`;
  const mark = new Mark(`${folder}/mark`, host.clock);
  return {
    // Times in its lines are ktime_get().
    printed: { engine: 'systemtap', dialect: 'systemtap', clock: 'monotonic' },
    lines: (output) => output,
    saysReady: hasMark,
    knock: (number, waitMs, over) => mark.make(number, waitMs, over),
    tail: (left, dropped) => Buffer.from(`${left ? (readOrNothing(`${folder}/counts`) ?? '') : ''}${dropped > 0 ? `t\t${dropped}\n` : ''}`),
    close: () => mark.close(),
  };
}

/**
 * A user's script prints nothing of Tapline's. Its companion in the same module (generate/script.ts) answers when its file is read:
 * SystemTap makes that file after it has attached all other probes, so that it can be read proves them ready, and what it says is the
 * beat. The file is read in another thread, without O_NONBLOCK, for the reason that mark.ts gives.
 */
class ScriptVoice implements Voice {
  readonly printed: Voice['printed'];
  readonly lines = taggedOutput;
  readonly #path: string;
  readonly #clock: 'wall' | 'kernel' | 'none';
  readonly #host: EngineHost;
  #reading: Promise<string | undefined> | undefined;
  #last = { clockUs: 0, lost: 0, skipped: 0 };

  constructor(module: Module, clock: 'wall' | 'kernel' | 'none', host: EngineHost) {
    this.#path = `${host.proc}/systemtap/${module.name}/tapline`;
    this.#clock = clock;
    this.#host = host;
    this.printed = {
      engine: 'systemtap',
      dialect: 'script',
      clock: clock === 'none' ? 'reading' : clock === 'kernel' ? 'monotonic' : 'wall',
    };
  }

  saysReady(lines: Uint8Array): boolean {
    return lines[0] === 0x6d;
  }

  async knock(number: number, waitMs: number, over: AbortSignal): Promise<Knock | undefined> {
    const beforeUs = this.#host.clock.nowUs();
    this.#reading ??= readFile(this.#path, 'latin1').catch(() => undefined);
    const late = Symbol('late');
    const waiting = new AbortController();
    const waited = delay(waitMs, late, { signal: AbortSignal.any([over, waiting.signal]) }).catch(() => late);
    const text = await Promise.race([this.#reading, waited]);
    waiting.abort();
    if (typeof text === 'symbol') return undefined;
    this.#reading = undefined;
    const afterUs = this.#host.clock.nowUs();
    const [clockUs = NaN, lost = NaN, skipped = NaN] = (text ?? '').trim().split(' ').map(Number);
    if (!(clockUs > 0 && lost >= 0 && skipped >= 0)) return undefined;
    this.#last = { clockUs: this.#clock === 'kernel' ? clockUs : afterUs, lost, skipped };
    return { beforeUs, afterUs, lines: Buffer.concat([markLine(this.#last.clockUs, number), beatLine(this.#last.clockUs, lost, skipped)]) };
  }

  tail(_left: boolean, dropped: number): Uint8Array {
    const { clockUs, lost, skipped } = this.#last;
    if (clockUs === 0) return new Uint8Array();
    return byeLine(this.#clock === 'kernel' ? clockUs : this.#host.clock.nowUs(), Math.max(lost, dropped), skipped);
  }

  close(): void {
    this.#reading = undefined;
  }
}

/** A line "m<TAB>..." in whole lines. */
const hasMark = (lines: Uint8Array): boolean => {
  const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.length);
  return bytes.indexOf('\nm\t') >= 0 || (bytes[0] === 0x6d && bytes[1] === 0x09);
};
