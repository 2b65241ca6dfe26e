/** What a sink could not do. */
export const sinkCodes = {
  SINK_UNREACHABLE: { summary: 'The receiver could not be reached.', fix: 'Run: tapline sinks test NAME.' },
} as const;
