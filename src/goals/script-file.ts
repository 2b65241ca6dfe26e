import { createHash } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { error, fail, ok, type Place, type Problem, type Result } from '../problem/problem.ts';

/** Who runs Tapline, as far as it matters for whom a file may belong to. */
export interface Who {
  /** Effective user id. */
  readonly uid: number;
  /** The user who called sudo (SUDO_UID). */
  readonly sudoUid?: number;
}

/** bpftrace takes the program as one argument, and Linux takes arguments of at most 128 KiB (MAX_ARG_STRLEN). */
const largest = 120 * 1024;

/** Reads a script once and for all: what is checked here is what will run. */
export function readScript(file: string, place: Place): Result<string> {
  let bytes: Buffer;
  try {
    const stats = statSync(file);
    if (!stats.isFile()) return fail(error('SCRIPT_BAD_FILE', `${file} is no file.`, { place }));
    if (stats.size > largest)
      return fail(error('SCRIPT_BAD_FILE', `${file} has ${stats.size} bytes; a script has at most ${largest}.`, { place }));
    bytes = readFileSync(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      return fail(error('CONFIG_FILE_UNREADABLE', `${file} cannot be read.`, { place, cause: message }));
    return fail(error('CONFIG_FILE_MISSING', `${file} is not there.`, { place, hint: whereFrom(file) }));
  }
  try {
    return ok(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return fail(error('SCRIPT_BAD_FILE', `${file} is not UTF-8 text.`, { place, hint: `iconv -f latin1 -t utf-8 ${file}` }));
  }
}

const whereFrom = (file: string): string =>
  file.startsWith('/usr/share/systemtap/examples/')
    ? "The examples of SystemTap are a package of their own: sudo apt-get install systemtap-doc (Debian and Ubuntu); elsewhere they come with systemtap's client package."
    : 'Paths of scripts count from the file that names them.';

export const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Whether somebody other than root and the one who runs Tapline could change the file: by its own mode and owner, or by those of a
 * folder above it, as sshd looks at authorized_keys. Only for root: anybody else runs scripts with no more than their own rights.
 */
export function openToOthers(file: string, who: Who, place: Place): Problem | undefined {
  if (who.uid !== 0) return undefined;
  const mine = new Set([0, ...(who.sudoUid === undefined ? [] : [who.sudoUid])]);
  for (let path = realpathSync(file); ; path = dirname(path)) {
    const { uid, mode } = statSync(path);
    const sticky = (mode & 0o1000) !== 0 && path !== file;
    const told = (why: string, hint: string) =>
      error('SCRIPT_OPEN_TO_OTHERS', `${path} ${why}, and root would run what it says.`, { place, hint });
    if (!mine.has(uid)) return told(`belongs to user ${uid}`, `sudo chown root ${path}`);
    if ((mode & 0o022) !== 0 && !sticky) return told('can be changed by others', `sudo chmod go-w ${path}`);
    if (dirname(path) === path) return undefined;
  }
}
