/** Mistakes in rule files. */
export const ruleCodes = {
  RULE_NO_KIND: { summary: 'A rule is neither an alert nor a forward.', fix: 'Begin it with `alert: NAME` or `forward: NAME`.' },
  RULE_TWO_KINDS: { summary: 'A rule is both an alert and a forward.', fix: 'Make two rules of it.' },
  RULE_BAD_NAME: {
    summary: 'The name of a rule cannot be used.',
    fix: 'At most 128 characters, no control characters, not beginning with "tapline.".',
  },
  RULE_DUPLICATE_NAME: { summary: 'Two rules have the same name.', fix: 'Names are unique over all rule files; rename one.' },
  RULE_UNKNOWN_GOAL: {
    summary: 'The rule watches a goal that does not exist.',
    fix: 'Run: tapline goals lists all goals and searches them.',
  },
  RULE_UNKNOWN_FIELD: { summary: 'The goal has no field of that name.', fix: 'Run: tapline goals GOAL lists its fields.' },
  RULE_UNKNOWN_PARAMETER: { summary: 'The goal has no parameter of that name.', fix: 'Run: tapline goals GOAL lists its parameters.' },
  RULE_BAD_PARAMETER: {
    summary: 'A parameter of the goal has a value that it cannot have.',
    fix: 'Run: tapline goals GOAL lists its parameters and their bounds.',
  },
  RULE_DUPLICATE_FIELD: { summary: 'A field is named twice.', fix: 'Name it once.' },
  RULE_UNKNOWN_VALUE: { summary: 'A field that has few values never has this one.', fix: 'Run: tapline goals GOAL lists the values.' },
  RULE_BAD_ADDRESS: {
    summary: 'A text that is compared with an address is none.',
    fix: 'Write an IPv4 or IPv6 address without port, prefix length and zone.',
  },
  RULE_WHERE_EMPTY: { summary: 'The condition is empty.', fix: 'Leave `where` out to take every record.' },
  RULE_WHERE_SYNTAX: { summary: 'The condition cannot be read.', fix: 'Correct it at the place shown; conditions are CEL.' },
  RULE_WHERE_TYPE: {
    summary: 'An operator does not fit what it is used on.',
    fix: 'Compare numbers with numbers, texts with texts in quotes.',
  },
  RULE_WHERE_NUMBER: { summary: 'A number does not fit any field.', fix: 'Fields are whole numbers within +-2^53.' },
  RULE_WHERE_UNSUPPORTED: {
    summary: 'CEL can say it, conditions of Tapline cannot.',
    fix: 'Use startsWith, endsWith, contains, in and comparisons; regular expressions are refused because one record could keep them busy for seconds.',
  },
  RULE_UNKNOWN_VARIABLE: {
    summary: 'An annotation names a field that the goal does not have.',
    fix: 'Run: tapline goals GOAL lists its fields.',
  },
  RULE_BAD_TEMPLATE: { summary: 'Braces in an annotation hold no field.', fix: 'Write {{ field }}.' },
  RULE_BAD_CHANGED: {
    summary: '`changed` gives a tolerance to a field that is no number.',
    fix: 'Name such fields in a list: changed: [state].',
  },
  RULE_BAD_SEVERITY: { summary: 'The label severity means nothing.', fix: 'critical, error, warning, info, or an RFC 5424 name.' },
  RULE_BAD_LABEL: { summary: 'The name of a label cannot be used.', fix: 'Letters, digits and _; no digit first.' },
  RULE_LABEL_SHADOWS_FIELD: { summary: 'A label has the name of a field of the goal.', fix: 'Give the label another name.' },
  RULE_UNKNOWN_SINK: {
    summary: 'The rule names a sink that the configuration does not have.',
    fix: 'Correct the name, or add the sink to tapline.yaml.',
  },
  RULE_NO_SINK: { summary: 'The rule tells nobody.', fix: 'Say `to` in the rule, in its group or in tapline.yaml.' },
  RULE_NEVER_FIRES: {
    summary: 'dedupe keeps the threshold from ever being reached.',
    fix: 'Make dedupe shorter, the window longer, or count by fewer fields.',
  },
} as const;
