import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWords, type Words } from '../search/sql/testing/words-fixture.ts';

/** What a message says, and a query by which its words find it. */
const identifiers: readonly (readonly [content: string, query: string])[] = [
  // What stands between two words without a blank.
  ['We want a pizza/pasta place near the hotel/station.', 'pizza'],
  ['We want a pizza/pasta place near the hotel/station.', 'station'],
  ['I moved to Lisbon.Ana helped.', 'Lisbon'],
  ['I moved to Lisbon.Ana helped.', 'Ana'],
  ['red,green,blue are the colours', 'green'],
  ['she said:hello', 'hello'],
  ['before…rain and storm', 'rain'],
  ['a well-known bug', 'known'],
  ['a well-known bug', 'well-known'],
  ['the <b>bold</b> claim', 'bold'],
  ['rock&roll nights', 'roll'],
  ['it was (finally)sunny', 'sunny'],
  // Files and paths.
  ['it fails in /app/src/server.js:10', 'server.js'],
  ['it fails in /app/src/server.js:10', 'server.js:10'],
  ['it fails in /app/src/server.js:10', 'app/src/server.js'],
  ['it fails in /app/src/server.js:10', 'src'],
  ['see foo_bar.ts:42', 'foo_bar.ts'],
  ['see foo_bar.ts:42', 'foo_bar'],
  ['see foo_bar.ts:42', 'bar'],
  ['open C:\\Users\\ana\\report.docx', 'report.docx'],
  ['open C:\\Users\\ana\\report.docx', 'users'],
  ['the key is ~/.ssh/id_rsa', 'id_rsa'],
  ['the key is ~/.ssh/id_rsa', '.ssh'],
  ['copy .env.example to .env', '.env'],
  ['edit docker-compose.yml first', 'docker-compose'],
  ['edit docker-compose.yml first', 'docker-compose.yml'],
  // Addresses.
  ['write to maria.lopez@example.org', 'lopez'],
  ['write to maria.lopez@example.org', 'example.org'],
  ['write to maria.lopez@example.org', 'maria.lopez@example.org'],
  ['write to ana+news@mail.example.com', 'ana+news@mail.example.com'],
  ['write to ana+news@mail.example.com', 'mail.example.com'],
  ['see https://docs.example.org/install-guide/linux?version=2#steps', 'linux'],
  ['see https://docs.example.org/install-guide/linux?version=2#steps', 'install-guide'],
  ['see https://docs.example.org/install-guide/linux?version=2#steps', 'docs.example.org'],
  ['see https://docs.example.org/install-guide/linux?version=2#steps', 'https://docs.example.org/install-guide/linux'],
  ['it listens on db.internal:5432', 'db.internal'],
  ['it listens on db.internal:5432', '5432'],
  ['the host 192.168.1.10 is down', '192.168.1.10'],
  ['the host 2001:db8::ff00:42:8329 is up', '2001:db8::ff00:42:8329'],
  ['MAC aa:bb:cc:dd:ee:ff', 'aa:bb:cc:dd:ee:ff'],
  ['ask @ana_m about it', '@ana_m'],
  ['ask @ana_m about it', 'ana_m'],
  ['tagged #release-notes today', '#release-notes'],
  ['tagged #release-notes today', 'release'],
  // Versions.
  ['we run node 18.2.0', '18.2'],
  ['we run node 18.2.0', '18.2.0'],
  ['upgrade to v2.3.1', '2.3.1'],
  ['upgrade to v2.3.1', 'v2.3.1'],
  ['it is 1.0.0-beta.3 now', '1.0.0-beta.3'],
  ['it is 1.0.0-beta.3 now', 'beta'],
  ['Python3.11 is required', 'python'],
  ['x86_64 builds', 'x86_64'],
  ['use @scope/pkg@4.5.6', '@scope/pkg'],
  // Tickets and errors.
  ['fixed by DEC-0054', '0054'],
  ['fixed by DEC-0054', 'dec-0054'],
  ['see JIRA-1234 and #4521', 'JIRA-1234'],
  ['see JIRA-1234 and #4521', '4521'],
  ['see JIRA-1234 and #4521', '#4521'],
  ['CVE-2024-3094 was bad', 'CVE-2024-3094'],
  ['it says ORA-00942', 'ora-00942'],
  ['ERR_CONNECTION_REFUSED again', 'connection refused'],
  ['ERR_CONNECTION_REFUSED again', 'err_connection_refused'],
  ['error TS2883 in the build', 'TS2883'],
  ['the code 0x80070005', '0x80070005'],
  ['HTTP/2 and utf-8', 'utf-8'],
  ['error E1234: no such file', 'E1234'],
  // Hashes and ids.
  ['commit a1b2c3d4e5f6071829 broke it', 'a1b2c3d'],
  ['commit a1b2c3d4e5f6071829 broke it', 'a1b2c3d4e5f6071829'],
  ['id 550e8400-e29b-41d4-a716-446655440000', '550e8400-e29b-41d4-a716-446655440000'],
  ['id 550e8400-e29b-41d4-a716-446655440000', '446655440000'],
  ['order 4711-ABC', '4711-abc'],
  ['IBAN DE89 3704 0044 0532 0130 00', '3704 0044'],
  // Code.
  ['call getUserName() first', 'user'],
  ['call getUserName() first', 'getUserName'],
  ['call getUserName() first', 'getusername'],
  ['the XMLHttpRequest object', 'http'],
  ['set max_retry_count to 3', 'retry'],
  ['set max_retry_count to 3', 'max_retry_count'],
  ['std::vector is fine', 'vector'],
  ['std::vector is fine', 'std::vector'],
  ['use obj.method() here', 'method'],
  ['use obj.method() here', 'obj.method'],
  ['in C++ or C#', 'C++'],
  ['in C++ or C#', 'C#'],
  ['the .NET runtime', '.net'],
  ['it runs in kube-system/coredns-5d78c', 'coredns-5d78c'],
  ['p->next is null', 'next'],
  // Telephone numbers and amounts.
  ['call +351 912 345 678', '912345678'],
  ['call +351 912 345 678', '+351912345678'],
  ['call +351 912 345 678', '912 345 678'],
  ['call (212) 555-0187', '212-555-0187'],
  ['call (212) 555-0187', '2125550187'],
  ['it costs $1,250.00', '1250'],
  ['it costs $1,250.00', '1250.00'],
  ['it costs 1.250,00 €', '1250.00'],
  ['12,000 people came', '12000'],
  ['to DE89 3704 0044 0532 0130 00', 'DE89370400440532013000'],
  ['to DE89370400440532013000', '8937 0400 4405 3201 3000'],
  ['the card 4111 1111 1111 1111', '4111111111111111'],
  // Compounds, in one word and in two.
  ['send me an e-mail', 'email'],
  ['read your email', 'e-mail'],
  ['the wi-fi is slow', 'wifi'],
  ['a 16GB laptop', '16 gb'],
  ['at 3pm sharp', '3pm'],
  ['3.14 is pi', '3.14'],
  ['it fell 50% today', '50%'],
  // Dates.
  ['due 2024-05-17', '2024-05-17'],
  ['due 2024-05-17', '2024'],
  ['due 17.05.2024', '17.05.2024'],
];

let database: TestDatabase;
let words: Words;
beforeAll(async () => {
  database = await startTestDatabase();
  words = createWords(database.db);
  const others = Array.from(
    { length: 40 },
    (_, n) => `My sister ${n} told me about the weather in the garden yesterday.`,
  );
  await words.say(...others, ...new Set(identifiers.map(([content]) => content)));
});
afterAll(() => database.stop());

describe('identifiers', () => {
  test.each(identifiers)('%j is found by %j', async (content, query) => {
    const found = await words.find(query, { limit: 3 });
    expect(found.map((message) => message.content)).toContain(content);
  });

  test('are a table of at least 80 rows', () => {
    expect(identifiers.length).toBeGreaterThanOrEqual(80);
  });

  test.each([
    ['server.js', ['server.js broke', 'the server runs js']],
    ['foo_bar', ['call foo_bar', 'a bar where foo met']],
    ['DEC-0054', ['see DEC-0054', 'in dec 0054 came']],
    ['maria.lopez@example.org', ['to maria.lopez@example.org', 'maria and lopez made an example for the org']],
  ])('%s as a whole ranks above its parts', async (query, contents) => {
    const own = createWords(database.db);
    await own.say(...contents.toReversed());
    expect((await own.find(query)).map(({ content }) => content)).toEqual(contents);
  });
});
