import type { SinkDefinition } from '../delivery/sink.ts';
import { emailSink } from './email/email.ts';
import { fileSink } from './file/file.ts';
import { kafkaSink } from './kafka/kafka.ts';
import { stdoutSink } from './stdout/stdout.ts';
import { syslogSink } from './syslog/syslog.ts';

/** THE list of sinks: what `type:` in tapline.yaml may name. One folder each. */
export const sinkDefinitions: readonly SinkDefinition[] = [stdoutSink, fileSink, syslogSink, kafkaSink, emailSink];
