/** What a tenant id looks like: 1 to 64 characters. It never contains `:`, so it can be part of a job id. */
export const tenantIdPattern = /^[A-Za-z0-9_.-]{1,64}$/;
