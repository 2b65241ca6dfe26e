/** Why an engine cannot run, or stopped. */
export const engineCodes = {
  ENGINE_UNAVAILABLE: {
    summary: 'The engine cannot run on this machine or for this user.',
    fix: 'Run: tapline doctor says what is missing and the command that installs it.',
  },
  ENGINE_PROCFS_WITHOUT_SS: {
    summary: 'The program ss cannot be used, so sockets are read from /proc/net/tcp: less exact, and fast retransmits are not seen.',
    fix: 'Install it (package iproute2, or iproute on Red Hat, Fedora and Amazon Linux); tapline doctor gives the command.',
  },
  ENGINE_PROCFS_UNREADABLE: {
    summary: 'What procfs looks at for a goal cannot be read.',
    fix: 'Look at the quoted cause; /proc has to be mounted, and ss may need the permission to open a netlink socket.',
  },
  ENGINE_PROCFS_LOOK_FAILED: {
    summary: 'One look of procfs failed. The next one tells what happened meanwhile, or counts it as missed.',
    fix: 'Nothing, unless it repeats: the quoted cause says why.',
  },
  ENGINE_PROCFS_NO_READER: {
    summary: 'A goal names a procfs reader that Tapline does not have.',
    fix: 'Correct engines.procfs.reader in the goal.yaml.',
  },
  ENGINE_TEMPLATE_WRONG: {
    summary: "A goal's probe template cannot be used.",
    fix: 'Mend the template in the folder of the goal, or install Tapline again.',
  },
  ENGINE_TRACEPOINT_MISSING: {
    summary: 'The kernel lacks a tracepoint that the goal needs.',
    fix: 'Use another engine for this goal: tapline doctor lists which can answer it here.',
  },
  ENGINE_FAILED: {
    summary: 'The program behind an engine ended unasked.',
    fix: 'Read the cause; run: tapline doctor. Tapline starts it again by itself, with back-off.',
  },
  ENGINE_NOT_READY: {
    summary: 'The probes were not attached in time.',
    fix: 'The machine may be very busy: Tapline tries again. If it stays so, run: tapline doctor.',
  },
  ENGINE_GAVE_UP: {
    summary: 'An engine failed again and again and is left alone.',
    fix: 'Read the cause; run: tapline doctor. Another engine may answer the goal.',
  },
  ENGINE_RESTARTED: {
    summary: 'An engine ended and is started again; what happened in between was not seen.',
    fix: 'Read the cause. Nothing needs to be done if it stays alone.',
  },
  ENGINE_SAID: { summary: "An engine's program wrote a message that Tapline does not know.", fix: 'Read the message.' },
  ENGINE_LINE_BROKEN: {
    summary: 'A line of a probe could not be read; it was counted.',
    fix: 'One after a crash is normal; if they go on, report them with a recording (tapline run --record).',
  },
  ENGINE_RECORDING_NONE: { summary: 'The file is no recording.', fix: 'Make one: tapline run --record FILE.' },
  ENGINE_RECORDING_VERSION: {
    summary: 'The recording has a format that this version does not read.',
    fix: 'Replay it with the version that recorded it.',
  },
  ENGINE_RECORDING_COLUMNS: {
    summary: 'A goal was recorded with other columns than it has now, so its lines would be misread.',
    fix: 'Replay it with the version that recorded it, or record anew.',
  },
  ENGINE_RECORDING_BROKEN: {
    summary: 'A line of a recording cannot be read; the lines around it are played.',
    fix: 'Look at the line; a last line that is cut means that the recorder was killed.',
  },
  ENGINE_RECORDING_UNREADABLE: { summary: 'The recording cannot be read from the disk.', fix: 'Look at the quoted cause.' },
  ENGINE_RECORDING_CUT: {
    summary: 'The recording stops before its runs do; they are ended where it stops.',
    fix: 'Nothing: the recorder was killed.',
  },
  ENGINE_RECORDED: {
    summary: 'A problem that was told when the recording was made, by a version with other codes.',
    fix: 'Read its message.',
  },
  ENGINE_COMPILING: {
    summary: 'SystemTap is compiling a module. The first one for a kernel takes minutes, later ones seconds.',
    fix: 'Nothing: compiled modules are kept for the next start.',
  },
  ENGINE_COMPILED: { summary: 'SystemTap has compiled a module.', fix: 'Nothing.' },
  ENGINE_COMPILE_FAILED: {
    summary: 'SystemTap could not compile a module for the running kernel.',
    fix: "Read the cause: the kernel's headers may not fit, or SystemTap may be too old for this kernel. Run: tapline doctor.",
  },
  ENGINE_MODULE_UNFIT: {
    summary: 'A compiled kernel module does not fit the running kernel.',
    fix: 'It is compiled again where it can be. One that was compiled elsewhere has to be compiled for exactly this kernel, by the same package of SystemTap: tapline compile --kernel RELEASE -o DIR.',
  },
  ENGINE_MODULE_WRONG: {
    summary: 'A compiled kernel module is not what its manifest says it is, so it is not loaded.',
    fix: 'Copy it again, with its .json file and under its own name, or compile it again: tapline compile --kernel RELEASE -o DIR.',
  },
  ENGINE_MODULE_NONE: {
    summary: 'There is no compiled module for this goal and kernel, and no compiler to make one.',
    fix: 'Compile it on a machine with SystemTap and the headers of that kernel (tapline compile --kernel RELEASE -o DIR) and copy DIR here.',
  },
  ENGINE_MODULE_REFUSED: {
    summary: 'The kernel does not let this module in, or not by this user.',
    fix: 'Run as root or as a member of stapusr and stapdev; under Secure Boot use another engine.',
  },
  ENGINE_MODULE_BUSY: {
    summary: 'The kernel module is loaded already by another process.',
    fix: 'Only one Tapline can run the same module; stop the other one, or remove the module: sudo staprun -d NAME.',
  },
  ENGINE_MODULE_SWEPT: {
    summary: 'A kernel module that an earlier, killed run of this install had left was removed.',
    fix: 'Nothing.',
  },
  ENGINE_MODULE_LEFT: {
    summary: 'A kernel module could not be removed.',
    fix: 'Remove it: sudo staprun -d NAME.',
  },
  ENGINE_OVERLOADED: {
    summary: 'The probes took too much of the processors, so SystemTap ended them.',
    fix: 'Narrow the rules on the goal with conditions that are tested in the kernel; tapline explain shows which are.',
  },
  ENGINE_DROPPED: {
    summary: "Lines were dropped between the kernel and Tapline: the module's buffer was full.",
    fix: 'They are counted as lost. Narrow the rules on the goal, or give Tapline more processor time.',
  },
  ENGINE_SILENT: {
    summary: 'A probe has stopped to give signs of life.',
    fix: 'Tapline starts it again. If it repeats, the machine may be overloaded.',
  },
  ENGINE_REPLACED: {
    summary: 'An engine gave up and another one watches its goals.',
    fix: 'The message says which; tapline doctor says why the first cannot run.',
  },
  ENGINE_TOOK_OVER: {
    summary: 'A better engine was ready and watches a goal now. Each event is told by one of the two.',
    fix: 'Nothing.',
  },
  ENGINE_STAYS: {
    summary: 'A better engine could not take a goal over; the one that watches goes on.',
    fix: 'Read the cause. Unless the kernel refuses it, it is tried again by itself after some minutes.',
  },
  ENGINE_NONE_LEFT: {
    summary: 'No engine is left for a goal: it is not watched.',
    fix: 'Run: tapline doctor says what each engine needs here.',
  },
  ENGINE_SCRIPT_ENDED: {
    summary: 'A script of your own called exit(). It is started again each time.',
    fix: 'Nothing, if the script is meant to; otherwise take its exit() out.',
  },
  ENGINE_SCRIPT_WRONG: {
    summary: 'SystemTap or bpftrace does not accept a script of your own.',
    fix: 'Look at the place shown and at the quoted cause. Options of its first line are not read: name them in stap_options.',
  },
} as const;
