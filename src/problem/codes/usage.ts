/** Wrong use of the command line. */
export const usageCodes = {
  USAGE: { summary: 'The command line is not understood.', fix: 'Run: tapline --help.' },
  STREAM_FAULT: {
    summary: 'A rule met a defect of Tapline.',
    fix: 'Please report it with the lines that were printed; the other rules go on.',
  },
  RUN_NOTHING_TO_WATCH: {
    summary: 'No rule can be watched on this machine.',
    fix: 'Run: tapline doctor says what each engine needs here.',
  },
  RUN_RULE_INACTIVE: {
    summary: 'A rule is not watched because no engine here answers its goal.',
    fix: 'Run: tapline doctor says what is missing and the command that installs it.',
  },
  RUN_PROBE_FAILED: {
    summary: "A rule's probe could not be compiled, loaded or attached; the other rules run.",
    fix: 'Read the message. Another engine may have taken the goal over, which is told; with --strict the run ends instead.',
  },
  RUN_FILE: { summary: 'A file named on the command line cannot be read or written.', fix: 'Correct the path or its permissions.' },
  RUN_DEMO: {
    summary: 'The retransmissions for the demonstration could not be provoked.',
    fix: 'Everything else runs; tapline run without --demo does not try.',
  },
  RUN_SECOND: {
    summary: 'Another run of this installation has a kernel engine at work.',
    fix: 'End that one first, or put the rules of both into one configuration.',
  },
} as const;
