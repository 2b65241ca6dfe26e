// The whole program, as a person starts it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { addresses, makeNetLab } from './netns.mjs';

const loaded = () =>
  readFileSync('/proc/modules', 'latin1')
    .split('\n')
    .filter((line) => line.startsWith('tapline_'));
const alerts = () =>
  existsSync('/job/out/alerts.jsonl')
    ? readFileSync('/job/out/alerts.jsonl', 'utf8')
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];

export const commandLineChecks = existsSync('/job/engine-only')
  ? []
  : [
      [
        'tapline run: a rule in YAML, its module loaded, an alert in the file, nothing left after Ctrl-C',
        async () => {
          const lab = makeNetLab();
          const tapline = spawn(process.execPath, ['tapline/dist/main.js', 'run', '--config', '/job/config/kernel.yaml'], {
            cwd: '/job',
            env: { ...process.env, TAPLINE_MODULES: '/job/modules' },
            stdio: ['ignore', 'pipe', 'pipe'],
          });
          let said = '';
          for (const stream of [tapline.stdout, tapline.stderr]) stream.on('data', (chunk) => (said += chunk));
          const exited = once(tapline, 'exit');
          try {
            for (let tries = 0; tries < 1800 && loaded().length === 0 && tapline.exitCode === null; tries++) await delay(100);
            assert.equal(loaded().length, 1, said);
            const [a, b] = [await lab.peer(lab.a), await lab.peer(lab.b)];
            await b.listen(5000);
            await a.connect(addresses.b.v4, 5000);
            await a.connect(addresses.b.v6, 5000);
            await a.send(100);
            await delay(500);
            lab.cut();
            await a.send(1000);
            for (let tries = 0; tries < 900 && alerts().length < 2 && tapline.exitCode === null; tries++) await delay(100);
            assert.ok(alerts().length >= 2, `${said}\n${JSON.stringify(alerts())}`);
            console.log(`        ${JSON.stringify(alerts()[0]).slice(0, 700)}`);
          } finally {
            tapline.kill('SIGINT');
            const [code] = await exited;
            console.log(said.replace(/^/gm, '        '));
            assert.equal(code, 0, said);
            lab.close();
          }
          assert.deepEqual(loaded(), []);
        },
      ],
    ];
