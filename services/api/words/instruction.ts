/** The term under which a standing instruction is indexed. No word has a blank, so no text has this term. */
export const instructionTerm = '= instruction';

// An instruction comes early, and a long message is a document.
const readCharacters = 500;

// What stands for long: how somebody wants to be called, answered or served. A few words of each language tell.
const begins = String.raw`(?:^|[.!?:;,\n]\s?|\b(?:please|and|but|you should|i|we|should|must) )`;
const forms = [
  String.raw`${begins}(?:always|never|make sure)\b`,
  String.raw`\b(?:from now on|in future|as a rule)\b`,
  String.raw`\b(?:call|address) me (?!back|later|tomorrow|when|if|at|on)|\bi(?:['’]d| would)? (?:always |never )?prefer\b|\bmy (?:preferred|favou?rite|usual)\b`,
  String.raw`\b(?:please|only|don['’]?t|do not) (?:use|keep|avoid|answer|reply|write|stick|stop|suggest|call|add|include|start|recommend)\b`,
  String.raw`\bremember (?:that|to)\b|\bforget (?:the|about)\b`,
  String.raw`(?<!\p{L})(?:ab jetzt|ab sofort|nenn mich|am liebsten|bitte (?:immer|nie|keine?|nur))\b`,
  String.raw`\b(?:désormais|appelle-moi|je préfère|toujours en|ne jamais)\b`,
  String.raw`\b(?:a partir de ahora|llámame|prefiero|siempre en)\b|^nunca\b`,
  '以后|总是|永远不|请叫我|不要再',
];
const instruction = new RegExp(forms.join('|'), 'iu');

/** Whether a message reads like a standing instruction or a preference: "always answer in metric units", "call me Jo". */
export function isInstruction(content: string): boolean {
  return instruction.test(content.slice(0, readCharacters));
}
