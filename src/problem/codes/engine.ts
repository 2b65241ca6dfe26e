/** Why an engine cannot run, or stopped. */
export const engineCodes = {
  ENGINE_UNAVAILABLE: { summary: 'The engine cannot run on this machine or for this user.', fix: 'Run: tapline doctor says what is missing and the command that installs it.' },
} as const;
