import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installFolder } from './context.ts';

/** The version in package.json. */
export const version = (JSON.parse(readFileSync(join(installFolder, 'package.json'), 'utf8')) as { version: string }).version;
