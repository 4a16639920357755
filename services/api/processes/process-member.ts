import type { Component } from '@memory-layer/shared/lifecycle/component';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { readinessProblem, type ReadinessParts } from '@memory-layer/shared/ops/readiness-problem';
import type { Api, ApiResources } from '../compose.ts';
import { ProcessLink, type ProcessChannel } from './process-link.ts';

/** Where a process stands among those that share a port. */
export interface ProcessPlace {
  /** From 1. */
  readonly number: number;
  readonly listensWhenReady: boolean;
  /** To the process that started it. */
  readonly channel: ProcessChannel;
  /** Has it stop as on SIGTERM. */
  end(): void;
}

export interface ProcessMemberDeps {
  readonly metrics: Metrics;
  /** How long a replaced process goes on answering clients that are connected. */
  readonly lingerMs: number;
}

const nothing = async (): Promise<void> => undefined;

/** What a process of several has in place of an ops listener: the link to the one that answers for all. */
export class ProcessMember {
  readonly resources: Required<Pick<ApiResources, 'exposition' | 'among'>>;
  readonly #deps: ProcessMemberDeps;
  readonly #place: ProcessPlace;
  readonly #link: ProcessLink;
  #parts: (ReadinessParts & { readonly api: Pick<Api, 'linger'> }) | undefined;

  constructor(place: ProcessPlace, deps: ProcessMemberDeps) {
    this.#deps = deps;
    this.#place = place;
    const { registry } = deps.metrics;
    this.#link = new ProcessLink(place.channel, {
      answers: {
        problem: async () => (this.#parts === undefined ? 'starting' : readinessProblem(this.#parts)),
        snapshot: () => registry.getMetricsAsJSON(),
      },
      onNotice: ({ notice }) => {
        if (notice === 'retire') void this.#retire();
      },
    });
    this.resources = {
      exposition: { contentType: registry.contentType, metrics: () => this.#metricsOfAll() },
      among: { listensWhenReady: place.listensWhenReady, leavesBacklog: place.number !== 1 },
    };
  }

  /** The components of a process, with the first and the last words that it says. */
  around(components: readonly Component[], parts: ReadinessParts & { readonly api: Pick<Api, 'linger'> }): Component[] {
    this.#parts = parts;
    const { registry } = this.#deps.metrics;
    return [
      {
        id: 'last-words',
        start: nothing,
        stop: async () => this.#link.notify({ notice: 'ending', snapshot: await registry.getMetricsAsJSON() }),
      },
      ...components,
      { id: 'first-words', start: () => this.#link.notify({ notice: 'started' }), stop: nothing },
    ];
  }

  async #retire(): Promise<void> {
    await this.#parts?.api.linger(this.#deps.lingerMs);
    this.#place.end();
  }

  async #metricsOfAll(): Promise<string> {
    try {
      return await this.#link.metrics();
    } catch (error) {
      throw new AppError('unavailable', 'the metrics of the other processes are not to be had', { cause: error });
    }
  }
}
