/** A scale that maps the least value to 0 and the greatest to 1; what is missing, or alone, to 0 and 1. */
export function minMax(values: readonly (number | undefined)[]): (value: number | undefined) => number {
  const known = values.filter((value) => value !== undefined);
  const least = Math.min(...known);
  const span = Math.max(...known) - least;
  return (value) => {
    if (value === undefined) return 0;
    return span > 0 ? (value - least) / span : Number(value > 0);
  };
}
