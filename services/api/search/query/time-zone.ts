import { tzOffset } from '@date-fns/tz';

/** The date and time that a clock of a zone shows, in milliseconds as if they were UTC. */
export type WallTime = number;

const minuteMs = 60_000;

/** Converts between instants and the clocks of a time zone. @param timeZone a name of the IANA time zone database */
export function createZoneClock(timeZone: string) {
  /** How far the clocks are ahead of UTC, in milliseconds. */
  const offsetAt = (instantMs: number) => tzOffset(timeZone, new Date(instantMs)) * minuteMs;

  return {
    offsetAt,
    toWall: (instant: Date): WallTime => instant.getTime() + offsetAt(instant.getTime()),
    /** An hour that clocks show twice is one of the two; one that they skip is the hour beside it. */
    toInstant(wall: WallTime): Date {
      const near = wall - offsetAt(wall);
      return new Date(wall - offsetAt(near));
    },
  };
}
