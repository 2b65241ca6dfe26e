/** Mistakes in a goal folder, and goals that do not exist. */
export const goalCodes = {
  GOAL_UNKNOWN: { summary: 'No goal has that name.', fix: 'Run: tapline goals lists all goals.' },
} as const;
