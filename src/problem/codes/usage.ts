/** Wrong use of the command line. */
export const usageCodes = {
  USAGE: { summary: 'The command line is not understood.', fix: 'Run: tapline --help.' },
} as const;
