/** The parts of a `redis://` or `rediss://` URL, decoded. */
export interface RedisUrl {
  readonly tls: boolean;
  /** Empty when the URL names none. */
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
}

const notPresent = (text: string): string | undefined => (text === '' ? undefined : text);

/** @returns the parts, or what is wrong; that never quotes the URL, which may hold a password. */
export function parseRedisUrl(text: string): RedisUrl | { readonly problem: string } {
  const url = URL.parse(text);
  if (url === null || !/^rediss?:$/.test(url.protocol)) return { problem: 'must be a redis:// or rediss:// URL' };
  if (url.search !== '' || url.hash !== '') return { problem: 'must end with the host or the number of the database' };
  const db = /^\/?(?<db>\d{0,5})$/.exec(url.pathname)?.groups?.['db'];
  if (db === undefined) return { problem: 'the path must be the number of a database, or nothing' };
  try {
    return {
      tls: url.protocol === 'rediss:',
      host: url.hostname.replaceAll(/^\[|\]$/g, ''),
      port: url.port === '' ? 6379 : Number(url.port),
      username: notPresent(decodeURIComponent(url.username)),
      password: notPresent(decodeURIComponent(url.password)),
      db: Number(db),
    };
  } catch {
    return { problem: 'a % in user or password must be written as %25' };
  }
}
