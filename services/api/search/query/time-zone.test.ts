import { describe, expect, test } from 'vitest';
import { createZoneClock, isTimeZone } from './time-zone.ts';

describe('names', () => {
  test.each(['UTC', 'Europe/Lisbon', 'America/Argentina/Buenos_Aires', 'europe/lisbon', 'Asia/Calcutta'])(
    '%s is one',
    (name) => {
      expect(isTimeZone(name)).toBe(true);
    },
  );

  test.each(['', 'Mars/Olympus', '+02:00', '__proto__', 'Europe/Lisbon ', 'A'.repeat(1_000_000)])(
    '%.20j is none',
    (name) => {
      expect(isTimeZone(name)).toBe(false);
    },
  );
});

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
