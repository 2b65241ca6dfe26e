/** Why an engine cannot run, or stopped. */
export const engineCodes = {
  ENGINE_UNAVAILABLE: { summary: 'The engine cannot run on this machine or for this user.', fix: 'Run: tapline doctor says what is missing and the command that installs it.' },
  ENGINE_PROCFS_WITHOUT_SS: {
    summary: 'The program ss cannot be used, so sockets are read from /proc/net/tcp: less exact, and fast retransmits are not seen.',
    fix: 'Install it: sudo apt-get install iproute2.',
  },
  ENGINE_PROCFS_UNREADABLE: {
    summary: 'The TCP sockets and counters in /proc cannot be read.',
    fix: 'Look at the quoted cause; /proc has to be mounted, and ss may need the permission to open a netlink socket.',
  },
  ENGINE_PROCFS_LOOK_FAILED: {
    summary: 'One look at the TCP sockets failed. The next one tells what happened meanwhile, or counts it as missed.',
    fix: 'Nothing, unless it repeats: the quoted cause says why.',
  },
  ENGINE_PROCFS_NO_READER: { summary: 'A goal names a procfs reader that Tapline does not have.', fix: 'Correct engines.procfs.reader in the goal.yaml.' },
} as const;
