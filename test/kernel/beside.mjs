// Side by side on the same kernel: tcp_retransmission.stp as systemtap-doc installs it, and Tapline's tcp.rto_change. The same
// connections, states and steps of the timeout, line by line, but for what a probe on tcp_retransmit_skb() cannot see.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { addresses, makeNetLab } from './netns.mjs';
import { modulesOf, watchModules } from './watching.mjs';

const script = '/job/beside/tcp_retransmission.ko';
const address = (text) => (text.includes(':') ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text);
/** "A:1 => B:2 STATE:TCP_ESTABLISHED RTO:208 -> 416 (ms)" */
const scriptLine = (line) => {
  const found = /^(.+):(\d+) => (.+):(\d+) STATE:TCP_(\w+) RTO:(?:\d+ -> )?(\d+) \(ms\)$/.exec(line);
  return (
    found && { connection: `${address(found[1])}:${found[2]} => ${address(found[3])}:${found[4]}`, state: found[5], rto: Number(found[6]) }
  );
};
const ours = ({ fields }) => ({
  connection: `${fields.saddr}:${fields.sport} => ${fields.daddr}:${fields.dport}`,
  state: fields.state,
  rto: fields.rto_ms,
});
/** Those whose timeout is another than that of the one before. */
const steps = (all) => all.filter(({ rto }, i) => i === 0 || rto !== all[i - 1].rto);
const shown = (all) => all.map(({ state, rto }) => `${state} ${rto}`);

async function startScript() {
  const child = spawn('staprun', [script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  for (let tries = 0; !`${said}${lines}`.includes('Printing tcp retransmission'); tries++) {
    assert.ok(tries < 600 && child.exitCode === null, `the script did not begin: ${said}`);
    await delay(100);
  }
  await delay(2000); // Its own probe is attached after it has said so.
  return {
    lines,
    end: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      await ended;
    },
  };
}

export const besideChecks = [
  [
    'tcp_retransmission.stp of systemtap-doc, unchanged, beside tcp.rto_change: the same connections, states and steps',
    async () => {
      if (!existsSync(script)) return { skipped: readFileSync('/job/beside/skipped', 'utf8').trim() };
      const lab = makeNetLab();
      const other = await startScript();
      const watched = watchModules(modulesOf('tcp.rto_change', 'tcp.retransmit'));
      try {
        await watched.until('ready', () => watched.ready.length === 2, 60_000);
        const [a, b, c] = [await lab.peer(lab.a), await lab.peer(lab.b), await lab.peer(lab.a)];
        await b.listen(5000);
        const before = lab.nstat();
        for (const family of ['v4', 'v6']) await a.connect(addresses.b[family], 5000);
        await a.send(100);
        await delay(500);
        lab.cut();
        await a.send(1000);
        for (const family of ['v4', 'v6']) await c.connect(addresses.b[family], 5001, false);
        const changes = () => watched.of('tcp.rto_change').filter(({ fields }) => fields.netns === lab.netns);
        const established = () =>
          Map.groupBy(
            changes().filter(({ fields }) => fields.dport === 5000),
            (record) => ours(record).connection,
          );
        await watched.until(
          'five steps of both families, and SYNs sent again',
          () =>
            established().size === 2 &&
            [...established().values()].every((each) => each.length >= 5) &&
            new Set(
              changes()
                .filter(({ fields }) => fields.dport === 5001)
                .map(({ fields }) => fields.saddr),
            ).size === 2,
          90_000,
        );
        lab.restore();
        await c.close();
        await a.close();
        await delay(3000);
        const grew = (name) => lab.nstat()[name] - before[name];
        const all = watched.of('tcp.retransmit').filter(({ fields }) => fields.netns === lab.netns);
        const told = other.lines.map(scriptLine).filter((line) => line !== null);
        const unseen = ({ fields }) => fields.kind === 'TLP' || fields.kind === 'SYNACK' || fields.err < 0;
        const page = [];
        for (const [connection, records] of Map.groupBy(all, (record) => ours(record).connection)) {
          const theirs = told.filter((line) => line.connection === connection);
          const visible = steps(records.filter((record) => !unseen(record)).map(ours));
          const hidden = records
            .filter(unseen)
            .map(({ fields }) => `${fields.kind}${fields.err < 0 ? ` (error ${fields.err})` : ''} ${fields.rto_ms}`);
          page.push(
            '',
            connection,
            ...visible.map(
              ({ state, rto }, i) => `    ${`${state} ${rto}`.padEnd(24)}${theirs[i] ? `${theirs[i].state} ${theirs[i].rto}` : '-'}`,
            ),
          );
          if (hidden.length > 0) page.push(`    not seen by the script: ${hidden.join(', ')}`);
          assert.deepEqual(shown(visible), shown(theirs), connection);
          const changed = changes().filter((record) => ours(record).connection === connection);
          assert.deepEqual(shown(changed.map(ours)), shown(steps(records.map(ours))), `${connection}: tcp.rto_change`);
        }
        const connections = new Set(all.filter((record) => !unseen(record)).map((record) => ours(record).connection));
        assert.deepEqual([...new Set(told.map(({ connection }) => connection))].sort(), [...connections].sort());
        assert.equal(connections.size, 4);
        const sent = all.filter(({ fields }) => fields.err === 0).reduce((sum, { fields }) => sum + fields.segs, 0);
        const counted = grew('TcpRetransSegs') - grew('TcpExtTCPRetransFail');
        page.push(
          '',
          `segments sent again: ${sent} told by tcp.retransmit, ${counted} counted by the kernel (TcpRetransSegs - TCPRetransFail)`,
        );
        assert.equal(sent, counted);
        console.log(page.map((line) => `        ${line}`).join('\n'));
        writeFileSync('/job/out/beside.txt', `${['tcp.rto_change               tcp_retransmission.stp', ...page].join('\n')}\n`);
      } finally {
        await watched.end();
        await other.end();
        lab.close();
      }
    },
  ],
];
