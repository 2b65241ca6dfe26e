import { chmodSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadScripts, seed, seedScript } from './lab/own-script.ts';
import { needs } from './needs.ts';

test('root runs no script that others could change, nor one behind a link or a folder of theirs', (context) => {
  needs(context, 'root');
  const { folder, loadAs, told } = loadScripts(seedScript, { uid: 0 });
  expect(told).toEqual([]);
  const problems = () => loadAs(0).problems.map(({ code, hint }) => `${code} ${hint ?? ''}`);
  chmodSync(join(folder, 'open.stp'), 0o666);
  expect(problems()).toEqual([`SCRIPT_OPEN_TO_OTHERS sudo chmod go-w ${folder}/open.stp`]);
  expect(loadAs(1000).problems).toEqual([]);
  chmodSync(join(folder, 'open.stp'), 0o644);
  chmodSync(join(folder, 'rules.yaml'), 0o664);
  expect(problems()).toEqual([`SCRIPT_OPEN_TO_OTHERS sudo chmod go-w ${folder}/rules.yaml`]);
  chmodSync(join(folder, 'rules.yaml'), 0o644);
  chmodSync(folder, 0o777);
  expect(problems()).toEqual([`SCRIPT_OPEN_TO_OTHERS sudo chmod go-w ${folder}`, `SCRIPT_OPEN_TO_OTHERS sudo chmod go-w ${folder}`]);
  chmodSync(folder, 0o755);
  const elsewhere = mkdtempSync(join(realpathSync(tmpdir()), 'tapline-elsewhere-'));
  writeFileSync(join(elsewhere, 'real.stp'), seed);
  chmodSync(join(elsewhere, 'real.stp'), 0o606);
  symlinkSync(join(elsewhere, 'real.stp'), join(folder, 'link.stp'));
  writeFileSync(join(folder, 'rules.yaml'), `scripts:\n${seedScript.replace('open.stp', 'link.stp')}groups: []\n`);
  expect(problems()).toEqual([`SCRIPT_OPEN_TO_OTHERS sudo chmod go-w ${elsewhere}/real.stp`]);
});
