import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { makeDataDir, startStandalone } from './standalone-process.ts';

const browser = process.env['TEST_CHROMIUM'] ?? '/usr/bin/chromium';

test('the API page shows every call and loads nothing from elsewhere', async ({ skip }) => {
  skip(!existsSync(browser), `no browser at ${browser}; TEST_CHROMIUM names another`);
  const folder = await makeDataDir();
  const server = await startStandalone({ dataDir: folder.path });
  const chrome = await chromium.launch({
    executablePath: browser,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  try {
    const page = await chrome.newPage();
    const problems: string[] = [];
    const foreign: string[] = [];
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on(
      'request',
      (request) =>
        request.url().startsWith(server.url) || request.url().startsWith('data:') || foreign.push(request.url()),
    );
    await page.goto(`${server.url}/docs`);
    await page.waitForSelector('.opblock');
    const paths = await page.locator('.opblock-summary-path').allTextContents();
    expect(paths.map((path) => path.replaceAll('\u200b', ''))).toEqual(
      expect.arrayContaining(['/v1/messages', '/v1/memory/search', '/livez']),
    );
    expect(foreign).toEqual([]);
    expect(problems).toEqual([]);
  } finally {
    await chrome.close();
    await server.kill('SIGTERM');
    await folder.remove();
  }
});
