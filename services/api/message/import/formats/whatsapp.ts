import { emptyReading } from '../../content/content-reading.ts';
import { toMessages } from './conversation-reader.ts';
import {
  maxTextCharacters,
  type FormatReader,
  type ImportFormat,
  type Mapped,
  type Piece,
  type ReaderOptions,
} from './format.ts';
import { findDateOrder, readHeader, type Header } from './whatsapp-header.ts';

/** Begins a line that WhatsApp itself wrote on iOS: a picture, or an event of the chat. */
const leftToRightMark = '\u200e';
/** In the place of a picture (Android). */
const omitted =
  /^<[^<>]{0,40}(?:omitted|ausgeschlossen|weggelassen|omitid|ocult|omis|omessi|weggelaten|pominięt|опущено|без медиа|dahil edilmedi|tidak disertakan|استبعاد|省略|略過|メディアなし)[^<>]{0,40}>$/i;
const attached =
  /^.{1,200} \((?:file attached|Datei angehängt|archivo adjunto|fichier joint|file allegato|arquivo anexado|bestand bijgevoegd)\)$/i;

/** _chat.txt, or "WhatsApp Chat with ….txt": messages of one or more lines, with dates in the phone's locale. */
export const whatsapp: ImportFormat = {
  name: 'whatsapp',
  source: 'text',
  lists: new Set(),
  namesConversations: 'never',
  looksLike: (sample) => typeof sample === 'string' && findFirstHeader(sample),
  reader: createReader,
};

/** Whether one of the first lines is a header. The lines before it may belong to a message that was cut off. */
function findFirstHeader(sample: string): boolean {
  return sample.split('\n', 20).some((line) => readHeader(line.slice(0, 256).trimEnd()) !== undefined);
}

interface OpenMessage {
  readonly line: number;
  readonly header: Header;
  text: string;
  lastLine: number;
}

function createReader(options: ReaderOptions): FormatReader {
  const order = options.dateOrder ?? findDateOrder(options.sample);
  let open: OpenMessage | undefined;
  let position = 0;

  function* close(): Generator<Mapped> {
    if (open === undefined) return;
    const { line, header, text } = open;
    open = undefined;
    for (const result of resultsOf(header, text)) yield { path: [line], result };
  }

  function resultsOf(header: Header, text: string): Mapped['result'][] {
    const said = splitSpeaker(text);
    if (said === undefined) return [{ skipped: 'system line' }];
    const [speaker, content] = said;
    if (isMedia(content)) return [{ skipped: 'no text: media' }];
    const message = {
      role: 'user',
      content: { ...emptyReading(), texts: [content] },
      time: header.timeIn(order, options.timezone) ?? 'no date',
      speaker,
    };
    const { conversationId: conversation } = options;
    const none = { toolNames: new Map<string, string>(), latest: {} };
    return toMessages(message, { spec: { format: 'whatsapp' }, options, conversation, position: position++, ...none });
  }

  return {
    *take(piece: Piece): Generator<Mapped> {
      if (piece.kind !== 'item' || typeof piece.value !== 'string') {
        yield* close();
        return;
      }
      const line = Number(piece.path[0]);
      const header = readHeader(piece.value);
      if (header !== undefined) {
        yield* close();
        open = { line, header, text: header.rest, lastLine: line };
      } else if (open === undefined) {
        yield { path: [line], result: { skipped: 'a line before the first message' } };
      } else {
        // Blank lines are not passed to the reader, but they are part of the message; there may be millions.
        const breaks = Math.min(line - open.lastLine, maxTextCharacters);
        if (open.text.length <= maxTextCharacters) open.text += '\n'.repeat(breaks) + piece.value;
        open.lastLine = line;
      }
    },
  };
}

/** The speaker and the text; undefined for an event of the chat, such as a new member. */
function splitSpeaker(text: string): readonly [string, string] | undefined {
  const match = /^(.{1,128}?)\s?:(?: |\n|$)/u.exec(text);
  const [whole = '', name = ''] = match ?? [];
  if (match === null || /["“„«]/.test(name)) return undefined;
  return [name.replaceAll(/[\u200e\u202a-\u202e~]/g, '').trim(), text.slice(whole.length)];
}

function isMedia(content: string): boolean {
  const text = content.trim();
  return text.startsWith(leftToRightMark) || (text.length < 256 && (omitted.test(text) || attached.test(text)));
}
