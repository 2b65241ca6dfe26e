/** What happened to items on their way to a sink. */
export const deliveryCodes = {
  DELIVERY_GAVE_UP: {
    summary: 'Items were given up after their last attempt.',
    fix: 'Mend the sink; the summary counts what was given up.',
  },
  DELIVERY_REJECTED: {
    summary: 'The receiver refused an item for good; it is kept as a dead letter until Tapline ends.',
    fix: 'Read what the receiver said: an address, a size or a right is wrong.',
  },
  DELIVERY_FULL: {
    summary: 'More items waited for a sink than its queue holds; the oldest were dropped.',
    fix: 'Mend the sink, or send it less: dedupe, threshold, or a rule with a narrower `where`.',
  },
  DELIVERY_TIMEOUT: { summary: 'A sink gave no answer in time.', fix: 'See whether the receiver answers; run: tapline sinks test NAME.' },
  DELIVERY_RECOVERED: { summary: 'A sink works again.', fix: 'Nothing to do.' },
  DELIVERY_SINK_FAULT: {
    summary: 'A sink broke its promises: a bug in Tapline.',
    fix: 'Please report it with the message; the items are tried again.',
  },
  DELIVERY_NO_SINK: {
    summary: 'An item names a sink that is not there.',
    fix: 'Correct `to` of the rule, or add the sink to tapline.yaml.',
  },
} as const;
