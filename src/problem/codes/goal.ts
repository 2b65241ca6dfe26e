/** Mistakes in a goal folder, and goals that do not exist. */
export const goalCodes = {
  GOAL_UNKNOWN: { summary: 'No goal fits.', fix: 'Run: tapline goals lists all goals.' },
  GOAL_FOLDER_MISSING: { summary: 'The folder of goals cannot be read.', fix: 'Install Tapline again: scripts-stp/ belongs to it.' },
  GOAL_MANIFEST_WRONG: { summary: 'A manifest contradicts itself.', fix: 'Correct goal.yaml at the place shown.' },
} as const;
