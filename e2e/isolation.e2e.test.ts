import { describeIsolation } from './isolation/isolation-suite.ts';
import { makeDataDir, startStandalone } from './standalone-process.ts';

describeIsolation('one process with the embedded database', async (env) => {
  const folder = await makeDataDir();
  const server = await startStandalone({ dataDir: folder.path, env });
  return {
    url: server.url,
    output: () => [server.output()],
    async stop() {
      await server.kill('SIGTERM');
      await folder.remove();
    },
  };
});
