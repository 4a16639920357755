import { createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';

/** What is sent as one body: a file, or a file with what belongs to it. */
export interface ImportFile {
  readonly name: string;
  readonly bytes: number;
  readonly contentType: string;
  /** The conversation of a source that names none. */
  readonly conversation: string;
  /** Its bytes from the beginning; may be called again. */
  readonly open: () => Readable;
}

const contentTypes = new Map([
  ['.ndjson', 'application/x-ndjson'],
  ['.txt', 'text/plain'],
]);
const slackDay = /^\d{4}-\d{2}-\d{2}\.json$/;

/**
 * A file to be imported. A day of a channel in a Slack export goes with the names of the users, which stand two folders up.
 *
 * @throws Error when there is no such file.
 */
export async function openImportFile(path: string): Promise<ImportFile> {
  const file = resolve(path);
  const { size } = await stat(file);
  const whole: ImportFile = {
    name: path,
    bytes: size,
    contentType: contentTypes.get(extname(file).toLowerCase()) ?? 'application/json',
    conversation: conversationOf(file),
    open: () => createReadStream(file),
  };
  const users = join(dirname(file), '..', 'users.json');
  if (!slackDay.test(basename(file)) || !(await exists(users))) return whole;
  const channel = conversationOf(dirname(file));
  const head = `{"channel":${JSON.stringify(channel)},"users":`;
  const [middle, tail] = [',"messages":', '}'];
  const usersBytes = (await stat(users)).size;
  async function* all(): AsyncGenerator<unknown> {
    yield Buffer.from(head);
    yield* createReadStream(users);
    yield Buffer.from(middle);
    yield* createReadStream(file);
    yield Buffer.from(tail);
  }
  return {
    ...whole,
    bytes: Buffer.byteLength(head) + usersBytes + middle.length + size + tail.length,
    conversation: channel,
    open: () => Readable.from(all()),
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The name of the file, in characters that no query string encodes; that of its folder when all exports have the same. */
function conversationOf(file: string): string {
  const name = basename(file, extname(file));
  const telling = ['_chat', 'result', 'conversations'].includes(name) ? basename(dirname(file)) : name;
  const id = telling.normalize('NFKD').replaceAll(/[^A-Za-z0-9_.-]+/g, '-');
  return id.slice(0, 128) || 'import';
}
