/** A host name or address, IPv6 without its brackets, and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** What every connection needs, wherever it goes. */
interface RedisAccess {
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Undefined: not encrypted. Without a file, the certificate authorities that Node.js knows are trusted. */
  readonly tls: { readonly caFile: string | undefined } | undefined;
}

export interface SingleTarget extends RedisAccess, HostPort {
  readonly kind: 'single';
  readonly db: number;
}

/** A master that sentinels name, and name again after a failover. */
export interface SentinelTarget extends RedisAccess {
  readonly kind: 'sentinel';
  readonly sentinels: readonly HostPort[];
  readonly masterName: string;
  /** Of the sentinels themselves, which have users of their own. */
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  readonly db: number;
}

export interface ClusterTarget extends RedisAccess {
  readonly kind: 'cluster';
  /** Some of its nodes: they name the others. */
  readonly nodes: readonly HostPort[];
}

/** Where Redis is and how to get in. */
export type RedisTarget = SingleTarget | SentinelTarget | ClusterTarget;
