import { AppError } from '@memory-layer/shared/errors/app-error';

/** The version of the API that this process answers; the first segment of its paths. */
const apiVersion = 'v1';

/** Sent with an answer that no route has made. */
export const versionHeader = { 'X-API-Version': apiVersion } as const;

const versionSegment = /^\/(?<version>v\d{1,9})(?:\/|$)/;

/** The version that a path asks for and this API does not have; undefined for any other path. */
export function otherVersionOf(path: string): string | undefined {
  // Nearly every request: nothing is to be looked for.
  if (path.startsWith('/v1/')) return undefined;
  const version = versionSegment.exec(path)?.groups?.['version'];
  return version === apiVersion ? undefined : version;
}

/** Members of the problem that answers another version, as the service before named them. */
export interface UnsupportedVersion {
  readonly version: string;
  readonly supported_versions: readonly string[];
}

export function unsupportedVersion(version: string): { error: AppError; members: UnsupportedVersion } {
  const error = new AppError(
    'unsupported_version',
    `There is no version ${version} of this API: ask for ${apiVersion}.`,
  );
  return { error, members: { version, supported_versions: [apiVersion] } };
}
