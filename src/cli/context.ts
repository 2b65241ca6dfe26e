import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Who } from '../goals/script-file.ts';

/** What a verb may use of the process that runs it. Passed in, so that tests can stand in for it. */
export interface CliContext {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** sysexits.h where it has a word for it. */
export const exit = { fine: 0, failed: 1, usage: 2, unavailable: 69, bug: 70, permission: 77, config: 78 } as const;
export type ExitCode = (typeof exit)[keyof typeof exit];

/** The folder that holds package.json, rules/ and scripts-stp/, from source and from dist alike. */
export const installFolder = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const goalsFolder = join(installFolder, 'scripts-stp');

/** Where tapline.yaml is looked for, in order, when --config does not say. */
export function findConfig(context: CliContext, wanted: string | undefined): string {
  if (wanted !== undefined) return resolve(context.cwd, wanted);
  const fromEnv = context.env['TAPLINE_CONFIG'];
  if (fromEnv !== undefined && fromEnv !== '') return resolve(context.cwd, fromEnv);
  const places = [
    resolve(context.cwd, 'tapline.yaml'),
    resolve(context.cwd, 'config/tapline.yaml'),
    '/etc/tapline/tapline.yaml',
    join(installFolder, 'config/tapline.yaml'),
  ];
  return places.find((place) => existsSync(place)) ?? join(installFolder, 'config/tapline.yaml');
}

/** A path as a person would write it from where they stand. */
export const shownPath = (context: CliContext, path: string): string => {
  const near = relative(context.cwd, path);
  return near.startsWith('..') ? path : near;
};

/** Who runs this: root, and whoever called sudo, may own what root runs. */
export function whoRuns(context: CliContext): Who {
  const sudo = Number(context.env['SUDO_UID'] ?? NaN);
  return { uid: process.geteuid?.() ?? 0, ...(Number.isSafeInteger(sudo) && { sudoUid: sudo }) };
}

export const wantsColour = (context: CliContext, stream: NodeJS.WriteStream): boolean =>
  stream.isTTY === true && (context.env['NO_COLOR'] ?? '') === '' && context.env['TERM'] !== 'dumb';
