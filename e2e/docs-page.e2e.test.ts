import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDataDir, startStandalone, type StandaloneProcess } from './standalone-process.ts';

const browser = process.env['TEST_CHROMIUM'] ?? '/usr/bin/chromium';
const isThere = existsSync(browser);
const reason = `no browser at ${browser}; TEST_CHROMIUM names another`;

let folder: Awaited<ReturnType<typeof makeDataDir>>;
let server: StandaloneProcess;
let chrome: Browser;
beforeAll(async () => {
  if (!isThere) return;
  folder = await makeDataDir();
  server = await startStandalone({ dataDir: folder.path });
  chrome = await chromium.launch({
    executablePath: browser,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
});
afterAll(async () => {
  if (!isThere) return;
  await chrome.close();
  await server.kill('SIGTERM');
  await folder.remove();
});

async function open(page: Page): Promise<string[]> {
  await page.goto(`${server.url}/docs`);
  await page.waitForSelector('.opblock');
  const paths = await page.locator('.opblock-summary-path').allTextContents();
  return paths.map((path) => path.replaceAll('\u200b', ''));
}

test('the API page shows every call and loads nothing from elsewhere', async ({ skip }) => {
  skip(!isThere, reason);
  const page = await chrome.newPage();
  const problems: string[] = [];
  const foreign: string[] = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on(
    'request',
    (request) =>
      request.url().startsWith(server.url) || request.url().startsWith('data:') || foreign.push(request.url()),
  );
  expect(await open(page)).toEqual(expect.arrayContaining(['/v1/messages', '/v1/memory/search', '/livez']));
  expect(foreign).toEqual([]);
  expect(problems).toEqual([]);
});

test('every form of the API page can be sent as it is filled in', async ({ skip }) => {
  skip(!isThere, reason);
  const page = await chrome.newPage();
  await page.setExtraHTTPHeaders({ 'x-api-key': server.apiKey });
  const paths = await open(page);
  const answers = [];
  for (const [index, path] of paths.entries()) {
    // A stream does not end, and the ids of the examples are nobody's here.
    if (path === '/v1/events' || path.includes('{')) continue;
    const form = page.locator('.opblock').nth(index);
    await form.locator('.opblock-summary-control').first().click();
    await form.locator('.try-out__btn').click();
    const answered = page.waitForResponse((response) => new URL(response.url()).pathname === path);
    await form.locator('.execute').click();
    const answer = await answered;
    const isRefused = /"status":"error"/.test(await answer.text());
    answers.push({ path, isGood: answer.ok() && !isRefused });
    // An open form is drawn again with each change of another one.
    await form.locator('.opblock-summary-control').first().click();
  }
  expect(answers.length).toBeGreaterThan(12);
  expect(answers.filter(({ isGood }) => !isGood)).toEqual([]);
});
