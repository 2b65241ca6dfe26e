/**
 * Compiler runs for one kernel. The first one runs alone: SystemTap then looks at each of the kernel's tracepoint headers, which
 * takes minutes, and keeps what it finds for all others. These run `width` at a time.
 */
export class CompileQueue {
  readonly #width: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #begun = 0;
  #ended = 0;
  #asked = 0;

  constructor(width: number) {
    this.#width = Math.max(1, width);
  }

  /** `work` is told which run it is, and how many were asked for so far. */
  async run<T>(work: (at: number, of: number) => Promise<T>): Promise<T> {
    this.#asked++;
    if (!this.#free()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work(++this.#begun, this.#asked);
    } finally {
      this.#running--;
      this.#ended++;
      while (this.#free()) {
        const next = this.#waiting.shift();
        if (next === undefined) break;
        this.#running++;
        next();
      }
    }
  }

  readonly #free = () => this.#running < (this.#ended === 0 ? 1 : this.#width);
}
