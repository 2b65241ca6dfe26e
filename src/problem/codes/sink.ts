/** What a sink could not do, and mistakes in a sink's settings that its schema cannot say. */
export const sinkCodes = {
  SINK_UNREACHABLE: { summary: 'The receiver could not be reached, or it closed the connection.', fix: 'Run: tapline sinks test NAME.' },
  SINK_TIMEOUT: { summary: 'The receiver did not answer in time.', fix: 'Look at the load of the receiver; the item is tried again.' },
  SINK_TLS: { summary: 'The receiver could not be trusted or spoke no TLS.', fix: 'Give its CA as ca_file, or mend the certificate.' },
  SINK_AUTH: {
    summary: 'The receiver refused the user name or password.',
    fix: 'Correct username and password or password_file, then restart.',
  },
  SINK_BUSY: { summary: 'The receiver said: not now.', fix: 'Nothing: the item is tried again with growing pauses.' },
  SINK_REFUSED: { summary: 'The receiver refused this item for good.', fix: 'Read what it said; the item was given up and counted.' },
  SINK_TOO_LARGE: {
    summary: 'The item is larger than the receiver takes.',
    fix: 'Raise the limit of the receiver (Kafka: max.message.bytes of the topic).',
  },
  SINK_PARTLY_REFUSED: {
    summary: 'Some of the recipients were refused; the others have the mail.',
    fix: 'Correct or remove the addresses named.',
  },
  SINK_TOPIC_MISSING: {
    summary: 'The Kafka topic does not exist. Tapline does not make topics.',
    fix: 'Make the topic; what waits is then sent.',
  },
  SINK_DENIED: {
    summary: 'The receiver does not allow this user to write there.',
    fix: 'Give the user the right to write (Kafka: ACL Write on the topic).',
  },
  SINK_WRITE: {
    summary: 'A file could not be written.',
    fix: 'Make room, or correct the path and its permissions; the item is tried again.',
  },
  SINK_CLOSED: {
    summary: 'The reader of standard output went away.',
    fix: 'Nothing if it was meant (`| head`); otherwise look at the program behind the pipe.',
  },
  SINK_SECRET: {
    summary: 'A file with a secret or certificate could not be read.',
    fix: 'Correct the path, or make it readable for the user that runs Tapline.',
  },
  SINK_NO_WRITER: {
    summary: 'Neither the native syslog package nor the program logger is there.',
    fix: 'Install it: package bsdutils on Debian and Ubuntu, util-linux elsewhere.',
  },
  SINK_ABORTED: { summary: 'Sending took too long and was broken off, or Tapline is stopping.', fix: 'Nothing: the item is tried again.' },
  SINK_BAD_ADDRESS: { summary: 'An address or URL of a sink is not one.', fix: 'Correct it; the message shows the form it must have.' },
} as const;
