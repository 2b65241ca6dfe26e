import { commandText, type Finding } from '../../engine/machine/finding.ts';
import { version } from '../../telemetry/version.ts';
import type { Examination } from './examine.ts';

/** The whole examination for programs. Keys are stable; new ones may come. */
export function doctorJson({ facts, engines, goals, ownScripts }: Examination): unknown {
  const { uid } = facts.user;
  return {
    version,
    distribution: facts.distribution,
    kernel: facts.kernel,
    arch: facts.arch,
    user: facts.user,
    machine: {
      container: facts.container ?? null,
      secureBoot: facts.secureBoot ?? null,
      lockdown: facts.lockdown ?? null,
      signedModulesOnly: facts.signedOnly,
      modules: facts.modules,
      tracefs: facts.tracefs,
      btf: facts.btf,
      headers: { there: facts.headers.there, others: facts.headers.others },
      debuginfo: facts.debuginfo ?? null,
      debuginfod: facts.debuginfod,
      memlockBytes: facts.memlock ?? null,
      unprivilegedBpfDisabled: facts.unprivilegedBpfDisabled ?? null,
      perfEventParanoid: facts.perfEventParanoid ?? null,
      programs: Object.fromEntries(facts.programs),
    },
    engines: Object.fromEntries(
      engines.map(({ engine, availability, tried }) => [
        engine.name,
        {
          ...availability,
          findings: availability.findings.map((finding) => findingJson(finding, uid)),
          ...(tried !== undefined && { tried }),
        },
      ]),
    ),
    goals: Object.fromEntries(
      goals.map(({ goal, verdicts, choice }) => [
        goal.id,
        {
          engine: choice.engine ?? null,
          why: choice.why,
          engines: Object.fromEntries(verdicts.map(({ engine, verdict, why }) => [engine, { verdict, ...(why !== undefined && { why }) }])),
        },
      ]),
    ),
    ownScripts: ownScripts === undefined ? null : findingJson(ownScripts, uid),
  };
}

const findingJson = (finding: Finding, uid: number) => ({
  ...finding,
  fix: finding.fix.map((fix) => ({ command: commandText(fix, uid), ...fix })),
});
