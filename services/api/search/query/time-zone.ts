import { tzOffset } from '@date-fns/tz';

/** A moment as a clock on the wall shows it, in milliseconds as if that were UTC: days and months are counted in it. */
export type WallTime = number;

const minuteMs = 60_000;

/** Converts between instants and the clocks of a time zone. @param timeZone a name of the IANA time zone database */
export function createZoneClock(timeZone: string) {
  /** How far the clocks are ahead of UTC, in milliseconds. */
  const offsetAt = (instantMs: number) => tzOffset(timeZone, new Date(instantMs)) * minuteMs;

  return {
    offsetAt,
    toWall: (instant: Date): WallTime => instant.getTime() + offsetAt(instant.getTime()),
    /** Of an hour that clocks show twice, one of the two; of one that they leave out, an hour beside it. */
    toInstant(wall: WallTime): Date {
      const near = wall - offsetAt(wall);
      return new Date(wall - offsetAt(near));
    },
  };
}
