/** Mistakes in rule files. */
export const ruleCodes = {
  RULE_UNKNOWN_FIELD: { summary: 'The goal has no field of that name.', fix: 'Run: tapline goals GOAL lists its fields.' },
} as const;
