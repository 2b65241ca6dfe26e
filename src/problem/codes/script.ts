/** Scripts of the user's own. */
export const scriptCodes = {
  SCRIPT_NOT_TRUSTED: {
    summary: 'A script of your own runs in the kernel; it is never run unless you say that you trust it.',
    fix: 'Read the script. Then write `trusted: true` below its name.',
  },
  SCRIPT_OPEN_TO_OTHERS: {
    summary: 'Somebody else could change a script that root would run, or the file that trusts it.',
    fix: 'Run the command shown: the file and the folders above it may be writable by root and by you only.',
  },
  SCRIPT_CHANGED: {
    summary: 'The script is not the one whose hash stands in `sha256`.',
    fix: 'Look at what was changed; then write the new hash: sha256sum FILE.',
  },
  SCRIPT_BAD_FILE: {
    summary: 'The file is no script that Tapline can run.',
    fix: 'SystemTap scripts end in .stp, bpftrace scripts in .bt; both are UTF-8 text.',
  },
  SCRIPT_BAD_NAME: {
    summary: 'The name cannot be the name of a goal.',
    fix: 'Small letters, digits and _, in words divided by dots, at most 32 characters, and not the name of another goal.',
  },
  SCRIPT_BAD_PATTERN: {
    summary: 'A pattern for the lines of a script is wrong.',
    fix: 'Correct it at the place shown; docs/use/own-script.md has the whole of it on one page.',
  },
  SCRIPT_BAD_FIELD: { summary: 'What is said about a field of a script contradicts itself.', fix: 'Correct it at the place shown.' },
  SCRIPT_BAD_OPTION: { summary: 'An option does not go with this script.', fix: 'Leave it out, or correct it as the hint says.' },
  SCRIPT_AMBIGUOUS: {
    summary: 'Two values of a pattern may both hold anything, so that a hostile name can move the border between them.',
    fix: 'Say more about one of them: {comm:word}, or {comm:text:16} where it is a column of fixed width.',
  },
} as const;
