import type { ChildProcess } from 'node:child_process';

/** Starts a program in a process group of its own. Injected, so that a privileged helper can take its place. */
export type Spawn = (command: string, args: readonly string[], options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv }) => ChildProcess;
