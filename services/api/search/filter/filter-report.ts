/** Where in the filter: keys and positions from its root. */
export type Place = readonly (string | number)[];

export interface FilterProblem {
  readonly path: Place;
  readonly message: string;
}

const maxValues = 200;
const maxConditions = 50;

/** What is wrong with a filter, gathered while it is parsed, and how much there is of it. */
export class FilterReport {
  readonly problems: FilterProblem[] = [];
  #conditions = 0;
  #values = 0;

  /** @returns undefined, for the value that there is none of. */
  refuse(path: Place, message: string): undefined {
    this.problems.push({ path, message });
  }

  /** @returns whether it may be looked at: nothing beyond the bound is. */
  countCondition(path: Place): boolean {
    this.#conditions += 1;
    if (this.#conditions === maxConditions + 1) this.refuse(path, `is more than ${maxConditions} conditions in all`);
    return this.#conditions <= maxConditions;
  }

  countValue(path: Place): void {
    this.#values += 1;
    if (this.#values === maxValues + 1) this.refuse(path, `is more than ${maxValues} values in all`);
  }
}
