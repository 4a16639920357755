import { expect, test } from 'vitest';
import { findDateOrder, readHeader } from './whatsapp-header.ts';

const expected = '2024-05-17T15:04:00.000Z';

test.each([
  ['German, Android', '17.05.24, 15:04 - Ana: Hallo'],
  ['German, iOS', '[17.05.24, 15:04:00] Ana: Hallo'],
  ['British', '17/05/2024, 15:04 - Ana: Hallo'],
  ['American, Android', '5/17/24, 3:04 PM - Ana: Hallo'],
  ['American, iOS', '\u200e[5/17/24, 3:04:00\u202fPM] Ana: Hallo'],
  ['Indian', '17/05/24, 3:04 pm - Ana: Hallo'],
  ['Spanish', '17/5/24, 3:04 p. m. - Ana: Hallo'],
  ['Brazilian', '17/05/2024 15:04 - Ana: Hallo'],
  ['Dutch', '17-05-2024 15:04 - Ana: Hallo'],
  ['Finnish', '17.5.2024 klo 15.04 - Ana: Hallo'],
  ['Swedish', '2024-05-17 15:04 - Ana: Hallo'],
  ['Japanese', '2024/05/17 15:04 - Ana: Hallo'],
  ['Chinese', '2024/5/17 下午3:04 - Ana: Hallo'],
  ['Korean', '2024년 5월 17일 오후 3:04, Ana: Hallo'],
  ['Arabic', '\u200f١٧/٥/٢٠٢٤، ٣:٠٤ م - Ana: Hallo'],
])('%s', (_, line) => {
  const header = readHeader(line);
  expect(header?.rest).toBe('Ana: Hallo');
  expect(header?.timeIn(findDateOrder(line), 'UTC')).toBe(expected);
});

test.each([
  ['12:04 AM', '00:04'],
  ['11:04 AM', '11:04'],
  ['12:04 PM', '12:04'],
  ['11:04 PM', '23:04'],
  ['15:04 AM', '15:04'],
  ['15:04 PM', '15:04'],
])('%s is %s', (written, time) => {
  expect(readHeader(`5/17/24, ${written} - Ana: Hallo`)?.timeIn('mdy', 'UTC')).toBe(`2024-05-17T${time}:00.000Z`);
});

test('a line of a message is no header', () => {
  for (const line of ['hello', '17.05.24', '12:30 - lunch', '[see below] ok', '1. 2. 3, 4:5 - x']) {
    expect(readHeader(line)).toBeUndefined();
  }
});

test('the order of day and month follows from the dates', () => {
  const of = (...dates: readonly string[]) => findDateOrder(dates.map((date) => `${date} - A: b`).join('\n'));
  expect(of('5/6/24, 10:00', '5/17/24, 10:00')).toBe('mdy');
  expect(of('5/6/24, 10:00', '17/6/24, 10:00')).toBe('dmy');
  // In the other order the days do not ascend.
  expect(of('1/2/24, 10:00', '12/2/24, 10:00', '3/3/24, 10:00')).toBe('dmy');
  expect(of('5/6/24, 3:00 PM')).toBe('mdy');
  expect(of('05/06/24, 3:00 pm')).toBe('dmy');
  expect(of('5/6/24, 15:00')).toBe('dmy');
  expect(of('5.6.24, 15:00')).toBe('dmy');
});
