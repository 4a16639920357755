import { setTimeout as sleep } from 'node:timers/promises';
import { runSql } from '@memory-layer/shared/testing/run-sql';
import type { Behaviour } from '../embedding-server.ts';
import type { Random } from './chaos-random.ts';
import type { Replica, Environment } from './chaos-environment.ts';
import { eventually } from './ledger.ts';

/** Something that breaks for a while, and is whole again afterwards. */
export interface Fault {
  readonly name: string;
  /** Two faults of one victim do not come together. */
  readonly victim: 'api' | 'embed worker' | 'Redis' | 'PostgreSQL' | 'embedding server';
  run(environment: Environment, random: Random): Promise<void>;
}

const briefly = (random: Random): Promise<void> => sleep(random.int(200, 1500));

async function killAndStart(replicas: readonly Replica[], random: Random): Promise<void> {
  await Promise.all(replicas.map((replica) => replica.process.kill('SIGKILL')));
  await briefly(random);
  await Promise.all(replicas.map((replica) => replica.startAgain()));
}

async function freeze(replica: Replica, forMs: number): Promise<void> {
  replica.process.send('SIGSTOP');
  await sleep(forMs);
  replica.process.send('SIGCONT');
}

const processFaults: readonly Fault[] = [
  {
    name: 'an api is killed',
    victim: 'api',
    run: ({ apis }, random) => killAndStart([random.pick(apis)], random),
  },
  { name: 'both apis are killed', victim: 'api', run: ({ apis }, random) => killAndStart(apis, random) },
  {
    name: 'an api is replaced',
    victim: 'api',
    async run({ apis }, random) {
      const replica = random.pick(apis);
      const { code } = await replica.process.kill('SIGTERM');
      if (code !== 0) throw new Error(`the api ended with ${code} on SIGTERM:\n${replica.process.output()}`);
      await replica.startAgain();
    },
  },
  {
    name: 'an api is frozen',
    victim: 'api',
    run: ({ apis }, random) => freeze(random.pick(apis), random.int(500, 2500)),
  },
  {
    name: 'an embed worker is killed',
    victim: 'embed worker',
    run: ({ embedWorkers }, random) => killAndStart([random.pick(embedWorkers)], random),
  },
  {
    name: 'both embed workers are killed',
    victim: 'embed worker',
    run: ({ embedWorkers }, random) => killAndStart(embedWorkers, random),
  },
  {
    name: 'an embed worker is frozen for longer than its leases',
    victim: 'embed worker',
    run: ({ embedWorkers }, random) => freeze(random.pick(embedWorkers), 4000),
  },
];

const redisFaults = (awayMs: number): readonly Fault[] => [
  {
    name: 'Redis is killed',
    victim: 'Redis',
    async run({ servers: { redis } }, random) {
      await redis.kill();
      await briefly(random);
      await redis.start();
    },
  },
  {
    name: `Redis is away for ${awayMs / 1000} s`,
    victim: 'Redis',
    async run({ servers: { redis } }) {
      await redis.kill();
      await sleep(awayMs);
      await redis.start();
    },
  },
  {
    name: 'Redis is flushed, three times',
    victim: 'Redis',
    async run({ servers }, random) {
      for (let times = 0; times < 3; times++) {
        // One that was killed a moment ago refuses while it reads its file.
        await eventually('Redis is flushed', () =>
          servers.flushRedis().then(
            () => true,
            () => false,
          ),
        );
        await briefly(random);
      }
    },
  },
  {
    name: 'Redis is frozen',
    victim: 'Redis',
    async run({ servers: { redis } }, random) {
      redis.freeze();
      await sleep(random.int(500, 2500));
      redis.thaw();
    },
  },
];

const postgresFaults: readonly Fault[] = [
  {
    name: 'PostgreSQL is killed',
    victim: 'PostgreSQL',
    async run({ servers: { postgres } }, random) {
      await postgres.kill();
      await briefly(random);
      await postgres.start();
    },
  },
  {
    name: 'PostgreSQL is frozen',
    victim: 'PostgreSQL',
    async run({ servers: { postgres } }, random) {
      postgres.freeze();
      await sleep(random.int(500, 2500));
      postgres.thaw();
    },
  },
  {
    name: 'all connections to PostgreSQL are cut, three times',
    victim: 'PostgreSQL',
    async run({ servers: { db } }, random) {
      for (let times = 0; times < 3; times++) {
        await runSql(
          db,
          `select pg_terminate_backend(pid) from pg_stat_activity
           where backend_type = 'client backend' and pid <> pg_backend_pid()`,
        );
        await briefly(random);
      }
    },
  },
  {
    name: 'PostgreSQL is read-only',
    victim: 'PostgreSQL',
    async run({ servers: { db } }, random) {
      await runSql(db, 'alter system set default_transaction_read_only = on');
      await runSql(db, 'select pg_reload_conf()');
      await sleep(random.int(1000, 2500));
      await runSql(db, 'alter system reset default_transaction_read_only');
      await runSql(db, 'select pg_reload_conf()');
    },
  },
];

const diskFault: Fault = {
  name: 'the disk of PostgreSQL is full',
  victim: 'PostgreSQL',
  async run({ disk }, random) {
    disk?.fill();
    await sleep(random.int(1500, 2500));
    disk?.free();
  },
};

const behaviours: readonly Exclude<Behaviour, 'works'>[] = [
  'answers 500',
  'hangs',
  'answers no numbers',
  'answers another dimension',
];

const embeddingFaults = behaviours.map((behaviour): Fault => ({
  name: `the embedding server ${behaviour}`,
  victim: 'embedding server',
  async run({ embedding }, random) {
    embedding.behaviour = behaviour;
    await sleep(random.int(1000, 3000));
    embedding.behaviour = 'works';
  },
}));

/** Every fault that this environment allows. */
export function listFaults(environment: Environment, options: { readonly redisAwayMs: number }): readonly Fault[] {
  const disk = environment.disk === undefined ? [] : [diskFault];
  return [...processFaults, ...redisFaults(options.redisAwayMs), ...postgresFaults, ...disk, ...embeddingFaults];
}
