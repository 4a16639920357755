/** A way to write a name. Unused by what does not know it: it must not be taken for the name itself. */
export interface Spelling {
  readonly name: string;
  /** @param own the same thing of the one who asks. */
  readonly write: (thing: string, own: string) => string;
}

const lookAlikes = new Map(Object.entries({ a: 'а', c: 'с', e: 'е', i: 'і', o: 'о', p: 'р', x: 'х', y: 'у' }));

const eachByte = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const capitalised = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
/** Never the text itself: one without such a letter gets one in front. */
function lookAlike(text: string): string {
  const like = Array.from(text, (one) => lookAlikes.get(one) ?? one).join('');
  return like === text ? `а${text}` : like;
}

const fullWidth = (text: string): string =>
  text.replaceAll(/[!-~]/g, (one) => String.fromCodePoint(one.charCodeAt(0) + 0xfee0));

export const asItIs: Spelling = { name: 'as it is', write: (thing) => thing };

/** As text, wherever it stands. */
export const textSpellings: readonly Spelling[] = [
  asItIs,
  { name: 'upper case', write: (thing) => thing.toUpperCase() },
  { name: 'capitalised', write: capitalised },
  { name: 'a space before', write: (thing) => ` ${thing}` },
  { name: 'a space behind', write: (thing) => `${thing} ` },
  { name: 'a tab behind', write: (thing) => `${thing}\t` },
  { name: 'a line break behind', write: (thing) => `${thing}\n` },
  { name: 'NUL behind', write: (thing) => `${thing}\0` },
  { name: 'NUL and the own one', write: (thing, own) => `${own}\0${thing}` },
  { name: 'full width', write: fullWidth },
  { name: 'Cyrillic look-alikes', write: lookAlike },
  { name: 'a combining accent', write: (thing) => `${thing}\u0301` },
  { name: 'a zero-width space within', write: (thing) => `${thing.slice(0, 2)}\u200b${thing.slice(2)}` },
  { name: 'a soft hyphen within', write: (thing) => `${thing.slice(0, 2)}\u00ad${thing.slice(2)}` },
  { name: 'a byte-order mark before', write: (thing) => `\ufeff${thing}` },
  { name: 'written from right to left', write: (thing) => `\u202e${Array.from(thing).toReversed().join('')}` },
  { name: 'in quotes', write: (thing) => `"${thing}"` },
  { name: 'percent-encoded', write: eachByte },
  { name: 'a pattern', write: (thing) => `${thing.slice(0, -1)}%` },
  { name: 'a pattern of one', write: (thing) => `${thing.slice(0, -1)}_` },
  { name: 'SQL', write: (thing, own) => `${own}' or tenant_id = '${thing}` },
  { name: 'a list', write: (thing, own) => `${own},${thing}` },
  { name: 'a list as JSON', write: (thing, own) => JSON.stringify([own, thing]) },
  { name: 'a path', write: (thing, own) => `${own}/../${thing}` },
];

/** Of what is percent-encoded: already written as it goes over the wire. */
export const urlSpellings: readonly Spelling[] = [
  ...textSpellings.map(({ name, write }) => ({
    name,
    write: (thing: string, own: string) => encodeURIComponent(write(thing, own)),
  })),
  { name: 'each byte encoded', write: eachByte },
  { name: 'encoded twice', write: (thing) => encodeURIComponent(eachByte(thing)) },
  {
    name: 'an overlong first byte',
    write: (thing) => `%c1%${((thing.charCodeAt(0) % 64) | 128).toString(16)}${thing.slice(1)}`,
  },
  { name: 'encoded in UTF-16', write: (thing) => Array.from(thing, (one) => `%00${one}`).join('') },
];

/** Of ids: UUIDs have spellings that parsers take. */
export const idSpellings: readonly Spelling[] = [
  { name: 'without hyphens', write: (thing) => thing.replaceAll('-', '') },
  { name: 'in braces', write: (thing) => `%7B${thing}%7D` },
  { name: 'as a URN', write: (thing) => `urn:uuid:${thing}` },
  { name: 'with an extension', write: (thing) => `${thing}.json` },
  { name: 'with a parameter of its own', write: (thing) => `${thing};tenant_id=x` },
  { name: 'behind the own one', write: (thing, own) => `${own}/..%2f${thing}` },
];

/** Every way in which an answer may repeat what was asked for. */
export function writtenForms(thing: string, own: string): string[] {
  const written = [...urlSpellings, ...idSpellings].map(({ write }) => write(thing, own));
  const texts = textSpellings.map(({ write }) => write(thing, own));
  // As a member of JSON without its quotes, too.
  const read = [...texts, ...written.map(decoded)];
  const forms = [...written, ...read, ...read.map((text) => JSON.stringify(text).slice(1, -1))];
  return [...new Set(forms)].toSorted((one, other) => other.length - one.length);
}

/** As a server reads it; what is not UTF-8 stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Names that a server might take for a parameter. */
export function namesLike(name: string): string[] {
  const camel = name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return [
    ...new Set([
      name.toUpperCase(),
      capitalised(name),
      camel,
      name.replaceAll('_', '-'),
      name.replace(/_id$/, ''),
      name.replaceAll('_', '%5F'),
      `${name}[]`,
      `${name}[0]`,
      `${name}%00`,
      `%20${name}`,
      `${name}.0`,
      `%EF%BB%BF${name}`,
    ]),
  ].filter((one) => one !== name);
}

/** Header fields by which other systems name a tenant; the service before read the first. */
export const tenantHeaders = [
  'X-Tenant-Id',
  'X-Tenant',
  'Tenant-Id',
  'Tenant',
  'X-Organization-Id',
  'X-Forwarded-User',
  'X-Remote-User',
  'X-Scope-OrgID',
];
