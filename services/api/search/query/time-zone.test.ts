import { expect, test } from 'vitest';
import { createZoneClock } from './time-zone.ts';

test.each(['UTC', 'Europe/Lisbon', 'Asia/Kolkata', 'Pacific/Apia', 'America/St_Johns'])(
  'clocks and instants convert both ways: %s',
  (zone) => {
    const clock = createZoneClock(zone);
    const hours = Array.from({ length: 400 }, (_, n) => new Date(Date.UTC(2026, 0, 1, n * 22)));
    // But for the hour that clocks show twice.
    const same = hours.filter((hour) => clock.toInstant(clock.toWall(hour)).getTime() === hour.getTime());
    expect(same.length).toBeGreaterThanOrEqual(399);
  },
);
