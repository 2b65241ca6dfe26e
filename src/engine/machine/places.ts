import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';

/** What is read of the system beside EngineHost; other places in tests. */
export interface Places {
  /** Stands before /etc, /boot, /lib/modules, /usr/lib/debug, /run ... */
  readonly root: string;
  /** Folders to look for programs in. */
  readonly path: readonly string[];
}

export const systemPlaces = (): Places => ({ root: '/', path: [...(env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'] });

/** The first program of that name that may be run; undefined where there is none. */
export function findProgram(places: Places, name: string): string | undefined {
  return places.path
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
