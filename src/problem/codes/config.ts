/** Mistakes in tapline.yaml, and in YAML itself. */
export const configCodes = {
  CONFIG_UNKNOWN_KEY: { summary: 'A key that Tapline does not know.', fix: 'Correct the spelling; the message names the nearest key.' },
} as const;
