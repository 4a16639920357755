import type { ApiOperation } from './api-operations.ts';
import type { Attack } from './attacks.ts';

interface Counted {
  attacks: number;
  readonly statuses: Map<number, number>;
}

/** What was sent and answered, and how long it took: printed at the end. */
export class IsolationReport {
  readonly #name: string;
  readonly #counts = new Map<string, Counted>();
  readonly #times: string[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  count(operation: ApiOperation, kind: string, status: number): void {
    const row = `${operation.id.padEnd(26)} ${kind.padEnd(15)}`;
    const counted = this.#counts.get(row) ?? { attacks: 0, statuses: new Map<number, number>() };
    counted.attacks += 1;
    counted.statuses.set(status, (counted.statuses.get(status) ?? 0) + 1);
    this.#counts.set(row, counted);
  }

  /** @returns the medians, in milliseconds. */
  time(attack: Attack, times: { readonly real: readonly number[]; readonly none: readonly number[] }) {
    const [real, none] = [median(times.real), median(times.none)];
    const place = `${attack.operation.id.padEnd(26)} ${attack.name.padEnd(40)}`;
    this.#times.push(`${place} ${real.toFixed(2).padStart(8)} ${none.toFixed(2).padStart(8)}`);
    return { real, none };
  }

  print(): void {
    const total = [...this.#counts.values()].reduce((sum, { attacks }) => sum + attacks, 0);
    const rows = [...this.#counts].map(([row, { attacks, statuses }]) => {
      const answers = [...statuses].toSorted(([one], [other]) => one - other).map(([status, n]) => `${n} x ${status}`);
      return `${row} ${String(attacks).padStart(5)}  ${answers.join(', ')}`;
    });
    console.log([`Attacks on isolation, ${this.#name}: ${total}`, ...rows, ''].join('\n'));
    console.log(['Medians in ms: of what another tenant has, of what nobody has', ...this.#times, ''].join('\n'));
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
