import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { giveToServer, serverFolder } from './server-process.ts';

/** How throw-away Redis servers are entered: by TLS, with user and password. */
export interface RedisAccess {
  readonly username: string;
  readonly password: string;
  /** The certificate of the authority that signed the servers' one. */
  readonly caFile: string;
  /** For `createRedis`. */
  readonly settings: readonly string[];
  /** For `redis-cli`. */
  readonly cliArguments: readonly string[];
  remove(): void;
}

/** Makes a certificate authority, a certificate of 127.0.0.1, and a user; the default user is switched off. */
export function createRedisAccess(): RedisAccess {
  const folder = serverFolder('redis-access');
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    makeCertificates(folder);
  } catch (error) {
    remove();
    throw error;
  }
  const username = 'memory';
  const password = randomBytes(16).toString('hex');
  const [caFile, certificate, key] = ['ca.crt', 'server.crt', 'server.key'].map((name) => join(folder, name));
  if (caFile === undefined || certificate === undefined || key === undefined) throw new Error('unreachable');
  const files = ['--tls-ca-cert-file', caFile, '--tls-cert-file', certificate, '--tls-key-file', key];
  const users = ['--user', 'default', 'off', '--user', username, 'on', `>${password}`, '~*', '&*', '+@all'];
  const among = ['--masteruser', username, '--masterauth', password, '--tls-replication', 'yes'];
  return {
    username,
    password,
    caFile,
    settings: [...files, '--tls-auth-clients', 'no', ...users, ...among],
    cliArguments: ['--tls', '--cacert', caFile, '--user', username, '--pass', password, '--no-auth-warning'],
    remove,
  };
}

function makeCertificates(folder: string): void {
  const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  writeFileSync(join(folder, 'extensions'), 'subjectAltName=IP:127.0.0.1\n');
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '1',
    '-subj',
    '/CN=test authority',
  );
  openssl('req', ...newKey, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=test server');
  const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
  const request = ['-req', '-in', 'server.csr', '-extfile', 'extensions', '-days', '1'];
  openssl('x509', ...request, ...authority, '-out', 'server.crt');
  for (const name of ['ca.crt', 'server.crt', 'server.key']) giveToServer(join(folder, name));
}
