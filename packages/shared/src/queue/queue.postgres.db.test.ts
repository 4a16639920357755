import { eventually } from '../testing/eventually.ts';
import { randomUUID } from 'node:crypto';

import { startEmbeddedPostgres } from '@memory-layer/embedded-postgres';
import { Client, type ClientConfig } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { createQueueBackend } from './create-queue-backend.ts';
import { migrateQueueSchema } from './migrate-queue-schema.ts';
import type { JobReport, QueueBackend } from './queue-port.ts';
import { describeQueueContract } from './testing/queue.contract.ts';
import { defineTestQueue, noHandlers, openProducer } from './testing/test-queue.ts';
import { withOutage } from './testing/with-outage.ts';

describe('queue on PostgreSQL', () => {
  const schema = `queue_${randomUUID().replaceAll('-', '')}`;
  const connectionString = process.env['TEST_DATABASE_URL'];
  let connection: ClientConfig;
  let stopEmbedded: (() => Promise<void>) | undefined;
  let backend: QueueBackend;

  beforeAll(async () => {
    if (connectionString === undefined || connectionString === '') {
      const embedded = await startEmbeddedPostgres();
      connection = embedded.connection;
      stopEmbedded = () => embedded.stop();
    } else {
      connection = { connectionString };
    }
    await migrateQueueSchema(connection, schema);
    backend = createQueueBackend({ kind: 'postgres', connection, schema, timeoutMs: 10_000 });
    await backend.start();
  });

  afterAll(async () => {
    await backend.stop();
    const admin = new Client(connection);
    await admin.connect();
    await admin.query(`DROP SCHEMA ${schema} CASCADE`);
    await admin.end();
    await stopEmbedded?.();
  });

  describeQueueContract(() => backend);

  test('migrating again changes nothing', async () => {
    const version = await migrateQueueSchema(connection, schema);
    expect(await Promise.all([migrateQueueSchema(connection, schema), migrateQueueSchema(connection, schema)])).toEqual(
      [version, version],
    );
  });

  test('calls are refused while PostgreSQL is gone, from the start or later, and work again after', async () => {
    const outage = withOutage(connection);
    outage.begin();
    const frail = createQueueBackend({
      kind: 'postgres',
      connection: outage.connection,
      schema,
      timeoutMs: 10_000,
      resetAfterMs: 50,
    });
    onTestFinished(() => frail.stop());
    await frail.start();
    const queue = defineTestQueue();
    const producer = openProducer(frail, queue);
    const payload = { v: 1, tenantId: 'acme' } as const;
    const completed: JobReport[] = [];
    const onCompleted = (report: JobReport) => completed.push(report);
    const consumer = frail.createConsumer(queue, noHandlers, { concurrency: 1, onCompleted });
    onTestFinished(() => consumer.stop());
    await expect(consumer.start()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(producer.add('notify', payload)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await frail.health?.()).toMatchObject({ status: 'down' });

    outage.end();
    await eventually(() => producer.add('notify', payload));
    await consumer.start();
    await eventually(() => expect(completed.length).toBeGreaterThanOrEqual(1));

    outage.begin();
    await expect(producer.add('notify', payload)).rejects.toMatchObject({ code: 'unavailable' });
    outage.end();
    const before = completed.length;
    await eventually(() => producer.add('notify', payload));
    await eventually(() => expect(completed.length).toBeGreaterThan(before));
  });
});
