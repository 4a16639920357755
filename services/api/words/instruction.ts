/** The term under which a standing instruction is indexed. No word has a blank, so no text has this term. */
export const instructionTerm = '= instruction';

// An instruction comes early, and a long message is a document.
const readCharacters = 500;

// What stands for long: how somebody wants to be called, answered or served. A few words of each language tell.
const forms = [
  String.raw`\b(?:always|never|from now on|in future|as a rule|make sure|no more|instead of)\b`,
  String.raw`\b(?:call|address) me\b|\bi(?:['’]d| would)? (?:always |never )?prefer\b|\bmy (?:preferred|favou?rite|usual|default)\b`,
  String.raw`\b(?:please|only|don['’]?t|do not|must) (?:use|keep|avoid|answer|reply|write|stick|stop|suggest|call|add|include|start|recommend|be|not|have)\b`,
  String.raw`\bremember (?:that|to)\b|\bforget (?:the|about)\b`,
  String.raw`(?<!\p{L})(?:immer|nie|niemals|ab jetzt|ab sofort|nenn mich|am liebsten)\b`,
  String.raw`\b(?:toujours|jamais|désormais|appelle-moi|je préfère)\b`,
  String.raw`\b(?:siempre|nunca|a partir de ahora|llámame|prefiero)\b`,
  '以后|总是|永远不|请叫我|不要再',
];
const instruction = new RegExp(forms.join('|'), 'iu');

/** Whether a message reads like a standing instruction or a preference: "always answer in metric units", "call me Jo". */
export function isInstruction(content: string): boolean {
  return instruction.test(content.slice(0, readCharacters));
}
