/** A command that mends something: complete, nothing in it to replace. Run without a shell. */
export interface Fix {
  readonly argv: readonly string[];
  /** Whether it has to run as root. */
  readonly root: boolean;
  /** Set where only a person can decide when: why it is shown and never run for them. */
  readonly byHand?: string;
}

/** One thing that stands in the way, or makes the answer poorer. */
export interface Finding {
  /** Stable name, for programs and tests: "headers-missing". */
  readonly id: string;
  /** `stops`: the engine cannot run; `limits`: it runs, and this is what is missing. */
  readonly level: 'stops' | 'limits';
  /** One sentence without its end. */
  readonly what: string;
  /** In the order in which they have to run; empty where no command mends it. */
  readonly fix: readonly Fix[];
  /** What a person can do where no command does it. */
  readonly advice?: string;
}

export const stops = (id: string, what: string, fix: readonly Fix[] = [], advice?: string): Finding => ({
  id,
  level: 'stops',
  what,
  fix,
  ...(advice !== undefined && { advice }),
});
export const limits = (id: string, what: string, fix: readonly Fix[] = [], advice?: string): Finding => ({
  ...stops(id, what, fix, advice),
  level: 'limits',
});

export const asRoot = (...argv: readonly string[]): Fix => ({ argv, root: true });
export const byHand = (why: string, ...argv: readonly string[]): Fix => ({ argv, root: true, byHand: why });
export const reboot = byHand('it ends everything that runs on this machine', 'reboot');

/** As a person types it. */
export const commandText = (fix: Fix, uid: number): string =>
  [...(fix.root && uid !== 0 ? ['sudo'] : []), ...fix.argv.map(quoted)].join(' ');

const quoted = (word: string) => (/^[\w@%+=:,./~^-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
