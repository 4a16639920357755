import { connect } from 'node:net';

/** What `INFO` says, by name: process_id, used_cpu_user, used_memory_rss, … Only without password and TLS. */
export async function redisInfo(url: string): Promise<Readonly<Record<string, string>>> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port || 6379), hostname);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let answer = '';
  socket.setEncoding('utf8').on('error', reject);
  socket.on('data', (chunk: string) => {
    answer += chunk;
    const [head = '', ...rest] = answer.split('\r\n');
    // A bulk string, $LENGTH and the text; anything else is a refusal.
    if (!head.startsWith('$') || rest.join('\r\n').length >= Number(head.slice(1)) + 2) resolve(answer);
  });
  socket.write('INFO\r\n');
  try {
    const lines = (await promise).split('\r\n').map((line) => line.split(':'));
    return Object.fromEntries(lines.map(([name = '', value = '']) => [name, value]));
  } finally {
    socket.destroy();
  }
}
