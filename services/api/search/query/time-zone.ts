/** A moment as a clock on the wall shows it, in milliseconds as if that were UTC: days and months are counted in it. */
export type WallTime = number;

const maxNameLength = 64;

/** Whether the name is one of the IANA time zone database, or a link in it, such as `Europe/Lisbon` and `UTC`. */
export function isTimeZone(name: string): boolean {
  // Intl takes offsets too, which are no names: their hours do not change in summer.
  if (name.length > maxNameLength || !/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Converts between instants and the clocks of a time zone. @param timeZone one that {@link isTimeZone} takes */
export function createZoneClock(timeZone: string) {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });

  function toWall(instant: Date): WallTime {
    const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  }

  /** What the clocks are ahead of UTC, in milliseconds, whole seconds as they are. */
  const offsetAt = (instantMs: number) => toWall(new Date(instantMs)) - Math.floor(instantMs / 1000) * 1000;

  return {
    toWall,
    offsetAt,
    /** Of an hour that clocks show twice, one of the two; of one that they leave out, an hour beside it. */
    toInstant(wall: WallTime): Date {
      const near = wall - offsetAt(wall);
      return new Date(wall - offsetAt(near));
    },
  };
}
