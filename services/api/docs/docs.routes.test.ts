import { expect, test } from 'vitest';
import { createBareApp } from '../describe-api.ts';

test('the paths of all routes are such that the fast router of Hono takes them', async () => {
  const app = createBareApp('0');
  expect((await app.request('/livez')).status).toBe(200);
  expect(app.router.name).toBe('SmartRouter + RegExpRouter');
});

test('the root is a page with name, version and links, for readers without a key', async () => {
  const app = createBareApp('1.2.3');
  const answer = await app.request('/');
  const page = await answer.text();
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8']);
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(page).toContain('memory-layer 1.2.3');
  const links = [...page.matchAll(/<a href="(?<path>[^"]+)"/g)].map((match) => match.groups?.['path']);
  expect(links).toEqual(['/docs', '/openapi.json', '/v1/admin/health']);
  const known = new Set(app.routes.map(({ path }) => path));
  expect(links.filter((path) => !known.has(path ?? ''))).toEqual([]);
});
