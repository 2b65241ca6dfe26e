// What a process that runs Node is called: newer versions name their first thread.
import { execFileSync } from 'node:child_process';

export const nodeComm = execFileSync(process.execPath, ['-p', "require('node:fs').readFileSync('/proc/self/comm', 'utf8').trim()"], {
  encoding: 'utf8',
}).trim();
