import type { Problem } from '../problem/problem.ts';
import type { CliContext } from './context.ts';

const tickMs = 1000;

/**
 * What takes long, while it lasts: on a terminal one line that is rewritten each second, elsewhere a plain line for each step. Before
 * anything else is written to the terminal, `clear` has to be called.
 */
export class Progress {
  readonly #stderr: CliContext['stderr'];
  readonly #terminal: boolean;
  #text = '';
  #beganMs = 0;
  #shown = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: CliContext) {
    this.#stderr = context.stderr;
    this.#terminal = context.stderr.isTTY === true && context.env['TERM'] !== 'dumb';
  }

  /** Takes what belongs here (a module is being compiled, or is compiled); false for every other problem. */
  take(problem: Problem): boolean {
    if (problem.code !== 'ENGINE_COMPILING' && problem.code !== 'ENGINE_COMPILED') return false;
    if (!this.#terminal) this.#stderr.write(`${problem.message}\n`);
    else if (problem.code === 'ENGINE_COMPILED') this.end();
    else this.#begin(problem.message.replace(/, \d+ s so far/, ''));
    return true;
  }

  clear(): void {
    if (this.#shown) this.#stderr.write('\r\x1b[K');
    this.#shown = false;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.clear();
  }

  #begin(text: string): void {
    if (this.#timer !== undefined && text === this.#text) return;
    this.#text = text;
    this.#beganMs = performance.now();
    this.#timer ??= setInterval(() => this.#show(), tickMs).unref();
    this.#show();
  }

  #show(): void {
    const seconds = Math.round((performance.now() - this.#beganMs) / 1000);
    const room = Math.max((this.#stderr.columns ?? 80) - 10, 20);
    const text = this.#text.length > room ? `${this.#text.slice(0, room - 3)}...` : this.#text;
    this.#stderr.write(`\r\x1b[K${text} ${seconds} s`);
    this.#shown = true;
  }
}
