// Loop devices over files that the case can spoil.
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';
import { basename, join } from 'node:path';
import { program } from './program.mjs';

/** A loop device over a new sparse file of that size. */
export function loopOver(context, file, bytes) {
  if (!existsSync('/dev/loop-control')) execFileSync('modprobe', ['loop']);
  const fd = openSync(file, 'w');
  ftruncateSync(fd, bytes);
  closeSync(fd);
  // Somebody else may take the free one first.
  for (let tries = 0; ; tries++) {
    const path = program('losetup', '-f');
    try {
      program('losetup', path, file);
      context.cleanup(() => program('losetup', '-d', path));
      return { path, name: basename(path) };
    } catch (cause) {
      if (tries === 5) throw cause;
    }
  }
}

/** A file system in memory that is soon full. */
export function smallTmpfs(context, size) {
  const folder = join(context.scratch, 'small');
  mkdirSync(folder);
  program('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'none', folder);
  context.cleanup(() => program('umount', folder));
  return folder;
}
