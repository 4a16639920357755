import { aiSdk } from './ai-sdk.ts';
import { anthropic } from './anthropic.ts';
import { chatgpt } from './chatgpt.ts';
import { claude } from './claude.ts';
import { discord } from './discord.ts';
import type { ImportFormat } from './format.ts';
import { langchain } from './langchain.ts';
import { mem0 } from './mem0.ts';
import { openai } from './openai.ts';
import { sharegpt } from './sharegpt.ts';
import { slack } from './slack.ts';
import { telegram } from './telegram.ts';
import { whatsapp } from './whatsapp.ts';

const all: readonly ImportFormat[] = [
  openai,
  anthropic,
  langchain,
  aiSdk,
  chatgpt,
  claude,
  sharegpt,
  slack,
  discord,
  telegram,
  whatsapp,
  mem0,
];

/** Every format but our own, by its name. */
export const importFormats: ReadonlyMap<string, ImportFormat> = new Map(all.map((format) => [format.name, format]));

/** Lines of messages as `POST /v1/messages` takes them. */
export const ownFormat = 'ndjson';

export const formatNames: readonly string[] = [ownFormat, ...importFormats.keys()];
