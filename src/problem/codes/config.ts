/** Mistakes in tapline.yaml, and in the YAML of any file. */
export const configCodes = {
  CONFIG_FILE_MISSING: { summary: 'A file is not there.', fix: 'Correct the path; relative paths count from the file that names them.' },
  CONFIG_FILE_IS_DIRECTORY: {
    summary: 'A directory stands where a file is expected.',
    fix: 'Name the files in it, for example folder/*.yaml.',
  },
  CONFIG_FILE_UNREADABLE: { summary: 'A file cannot be read.', fix: 'Look at the quoted cause; often a permission is missing.' },
  CONFIG_FILE_EMPTY: { summary: 'A file says nothing: it is empty, or has comments only.', fix: 'Write something in it, or remove it.' },
  CONFIG_FILE_TOO_LARGE: { summary: 'A file is larger than 4 MiB.', fix: 'Split the rules over several files.' },
  CONFIG_NOT_UTF8: { summary: 'A file is not UTF-8.', fix: 'Save it as UTF-8: iconv -f latin1 -t utf-8 converts it.' },
  CONFIG_YAML: { summary: 'The text is no valid YAML.', fix: 'Look at the place: indentation, a missing colon or quote.' },
  CONFIG_TAB: { summary: 'A tab stands where YAML wants spaces.', fix: 'Indent with spaces.' },
  CONFIG_DUPLICATE_KEY: { summary: 'A key stands twice in one map.', fix: 'Remove one of the two.' },
  CONFIG_ALIAS: {
    summary: 'An alias (*name) has no anchor, contains itself, or makes the file enormous.',
    fix: 'Write the value out where it is needed.',
  },
  CONFIG_TOO_DEEP: { summary: 'The YAML is nested deeper than 64 levels.', fix: 'No file of Tapline needs more than eight.' },
  CONFIG_BAD_KEY: { summary: 'A key of a map is no plain word.', fix: 'Write the key as a word.' },
  CONFIG_NUMBER_TOO_LARGE: { summary: 'A whole number is beyond 2^53, where numbers lose digits.', fix: 'Use a smaller number.' },
  CONFIG_UNKNOWN_KEY: { summary: 'A key that Tapline does not know.', fix: 'Correct the spelling; the message names the nearest key.' },
  CONFIG_MISSING_KEY: { summary: 'A key that has to be there is missing.', fix: 'Add the key that the message names.' },
  CONFIG_WRONG_TYPE: { summary: 'A value is of another type than its key takes.', fix: 'The message says what the key takes.' },
  CONFIG_WRONG_VALUE: {
    summary: 'A value is of the right type, but none that its key takes.',
    fix: 'The message says what the key takes.',
  },
  CONFIG_BAD_DURATION: { summary: 'A duration is not understood.', fix: 'Write it as Prometheus does: 500ms, 90s, 5m, 1h30m, 7d.' },
  CONFIG_UNKNOWN_SINK_TYPE: { summary: 'A sink has a type that Tapline does not know.', fix: 'The message lists the types.' },
  CONFIG_UNKNOWN_SINK: { summary: 'A list of sinks names one that is not under `sinks`.', fix: 'Correct the name, or add the sink.' },
  CONFIG_UNSET_VARIABLE: {
    summary: 'A ${VARIABLE} is not set in the environment.',
    fix: 'Set it, or give a default: ${VARIABLE:-default}. A dollar sign itself is $$.',
  },
  CONFIG_BAD_VARIABLE: { summary: 'A ${...} is not understood.', fix: 'Write ${NAME} or ${NAME:-default}. A dollar sign itself is $$.' },
  CONFIG_NAMED_FILE: {
    summary: 'A file that a sink needs cannot be read.',
    fix: 'Correct the path, or make the file readable for Tapline.',
  },
  CONFIG_NO_RULE_FILES: {
    summary: 'A pattern of rule files fits no file.',
    fix: 'Correct the pattern; it counts from the file that names it.',
  },
} as const;
