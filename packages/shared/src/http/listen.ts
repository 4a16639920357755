import { createServer, type Server } from 'node:net';
import { invalidConfiguration, type ConfigError } from '../config/load-config.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** The variables that it comes from, for the operator who has to change one. */
  readonly variables: { readonly host: string; readonly port: string };
}

/** Of the API. */
export const apiAddressVariables = { host: 'MEMORY_HOST', port: 'MEMORY_PORT' };
/** Of health and metrics of a service. */
export const opsAddressVariables = { host: 'MEMORY_OPS_HOST', port: 'MEMORY_OPS_PORT' };

/**
 * Resolves when the server listens.
 *
 * @throws ConfigError naming the variable, when the port is taken or the address cannot be had.
 */
export async function listen(server: Server, address: ListenAddress): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: Error): void => reject(asConfigError(error, address) ?? error);
  server.once('error', onError);
  server.listen(address.port, address.host, () => {
    server.off('error', onError);
    resolve();
  });
  await promise;
}

/**
 * Whether the address can be had, found out before anything else is begun.
 *
 * @throws ConfigError as {@link listen} does.
 */
export async function checkAddress(address: ListenAddress): Promise<void> {
  const server = createServer();
  await listen(server, address);
  await new Promise((resolve) => server.close(resolve));
}

function asConfigError(error: Error, { host, port, variables }: ListenAddress): ConfigError | undefined {
  const problem = (text: string): ConfigError => invalidConfiguration([text], { cause: error });
  switch ('code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return problem(`${variables.port}: port ${port} of ${host} is in use; stop what listens there or choose another`);
    case 'EACCES':
      return problem(`${variables.port}: this user may not listen on port ${port}; choose one from 1024 on`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return problem(`${variables.host}: ${host} is no address of this machine`);
    default:
      return undefined;
  }
}
