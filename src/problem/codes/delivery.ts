/** What happened to items on their way to a sink. */
export const deliveryCodes = {
  DELIVERY_GAVE_UP: { summary: 'An item was given up after its last attempt.', fix: 'Mend the sink; the summary counts what was given up.' },
} as const;
