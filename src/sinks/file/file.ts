import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { Type, type Static } from 'typebox';
import { defineSink, retry, sent, type Notification, type SendResult, type Sink } from '../../delivery/sink.ts';
import { error, type Problem } from '../../problem/problem.ts';
import { jsonLine } from '../json.ts';

const schema = Type.Object(
  {
    path: Type.String({
      minLength: 1,
      description: 'The file, appended to. A relative path counts from the file that names it. Its folder must exist.',
    }),
    mode: Type.Optional(
      Type.String({ pattern: '^0?[0-7]{3}$', default: '0640', description: 'Permissions of a file that is made new, octal, in quotes.' }),
    ),
    fsync: Type.Optional(
      Type.Boolean({ default: false, description: 'Wait until the disk has each batch. Slower; survives a power failure.' }),
    ),
  },
  { additionalProperties: false, description: 'JSON lines, one item a line (config/item.schema.json).' },
);
type Settings = Static<typeof schema>;

/** JSON lines in a file. Whole lines only; follows a rotation by rename (logrotate without copytruncate). */
export const fileSink = defineSink({
  type: 'file',
  summary: 'JSON lines, appended to a file.',
  schema,
  grouping: 'each',
  maxItems: 500,
  open: (config) => new FileSink(config),
});

export class FileSink implements Sink {
  readonly #settings: Settings;
  #file: { readonly handle: FileHandle; readonly dev: number; readonly ino: number } | undefined;
  /** The last line of the file has no end: somebody else's, or what a full disk left where it could not be taken back. */
  #cut = false;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async send(notification: Notification, signal: AbortSignal): Promise<readonly SendResult[]> {
    const all = (result: SendResult) => notification.items.map(() => result);
    if (signal.aborted) return all(retry(error('SINK_ABORTED', 'Writing was broken off before it began.')));
    try {
      const handle = await this.#current();
      await this.#append(handle, notification.items.map((item) => `${jsonLine(item.body)}\n`).join(''));
      return all(sent());
    } catch (cause) {
      return all(retry(writeProblem(this.#settings.path, cause)));
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.handle.close().catch(() => undefined);
  }

  /** The open file, or a new one where the path names another inode by now or none. */
  async #current(): Promise<FileHandle> {
    if (this.#file !== undefined) {
      const there = await stat(this.#settings.path).catch(() => undefined);
      if (there?.ino === this.#file.ino && there.dev === this.#file.dev) return this.#file.handle;
      await this.close();
    }
    const mode = parseInt(this.#settings.mode ?? '0640', 8);
    // O_NONBLOCK: a named pipe without a reader answers ENXIO where it would block a thread for good. No effect on files.
    const handle = await open(
      this.#settings.path,
      constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK,
      mode,
    );
    try {
      const { dev, ino, size } = await handle.stat();
      this.#file = { handle, dev, ino };
      this.#cut = size > 0 && (await endsInMidLine(this.#settings.path, size));
      return handle;
    } catch (cause) {
      await handle.close();
      throw cause;
    }
  }

  /** Appends all of `lines` or, as far as the file allows, nothing: what a full disk took of them is taken back. */
  async #append(handle: FileHandle, lines: string): Promise<void> {
    const bytes = Buffer.from(this.#cut ? `\n${lines}` : lines);
    const { size: before } = await handle.stat();
    let written = 0;
    try {
      while (written < bytes.length) written += (await handle.write(bytes, written)).bytesWritten;
      this.#cut = false;
      if (this.#settings.fsync === true) await handle.datasync();
    } catch (cause) {
      if (written > 0) await this.#takeBack(handle, before, written);
      throw cause;
    }
  }

  async #takeBack(handle: FileHandle, before: number, written: number): Promise<void> {
    try {
      // Only what we wrote: where another program appended meanwhile, its lines stay.
      if ((await handle.stat()).size === before + written) return await handle.truncate(before);
    } catch {
      // The file cannot be cut (append-only attribute): the next line then starts on a line of its own.
    }
    this.#cut = true;
  }
}

async function endsInMidLine(path: string, size: number): Promise<boolean> {
  try {
    const reader = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await reader.read(Buffer.alloc(1), 0, 1, size - 1);
      return bytesRead === 1 && buffer[0] !== 0x0a;
    } finally {
      await reader.close();
    }
  } catch {
    return false; // May be written but not read: nothing is known against it.
  }
}

const words: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENOENT: 'its folder does not exist',
  EACCES: 'no permission',
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a folder',
  ENXIO: 'it is a named pipe that nobody reads',
  EIO: 'the disk reports an error',
};

function writeProblem(path: string, cause: unknown): Problem {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = words[code ?? ''] ?? 'the system refused it';
  return error('SINK_WRITE', `${path} cannot be written: ${why}.`, { cause: message });
}
