import { describePolicy, type PolicyDefaults } from '@memory-layer/shared/retention/retention-policy';

export interface BannerFacts {
  readonly url: string;
  /** The generated key; undefined when keys were configured, which are not shown. */
  readonly generatedKey: string | undefined;
  readonly dataDir: string;
  readonly model: string;
  /** Of a tenant without a policy of its own. */
  readonly retention: PolicyDefaults;
}

/** What a person wants to know after the start: where, with which key, and two lines to try. */
export function banner({ url, generatedKey, dataDir, model, retention }: BannerFacts): string {
  const key = generatedKey ?? '$MEMORY_API_KEY';
  const keyLine =
    generatedKey === undefined ? 'the ones in MEMORY_API_KEYS' : `${generatedKey}  (kept in ${dataDir}/api-key)`;
  const hint = generatedKey === undefined ? ' (put one of your keys into MEMORY_API_KEY first)' : '';
  return `
memory-layer listens on ${url}
  API key   ${keyLine}
  data      ${dataDir}
  model     ${model}
  retention ${describePolicy(retention)}
  API docs  ${url}/docs

Store a message, then find it${hint}:

curl -s ${url}/v1/messages -H "x-api-key: ${key}" -H 'content-type: application/json' -d '{"tenant_id":"demo","conversation_id":"first","role":"user","content":"My sister Ana moved to Lisbon in May."}'

curl -s '${url}/v1/memory/search?tenant_id=demo&query=Where+does+my+sister+live%3F' -H "x-api-key: ${key}"

Ctrl-C stops it.
`;
}
