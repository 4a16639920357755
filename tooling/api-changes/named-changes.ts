import type { BreakingChange } from './breaking-changes.ts';

/** The items under "Breaking" of what is not released yet. */
export function breakingItems(changelog: string): string[] {
  const section = changelog.split(/^## /m).find((text) => /^[^\n]*Unreleased/i.test(text)) ?? '';
  const [, ...subsections] = section.split(/^### /m);
  const breaking = subsections.find((text) => /^Breaking\b/.test(text)) ?? '';
  return breaking.split(/^- /m).slice(1);
}

/** The changes that no item names: by the operation and by what of it changes, each in backticks. */
export function unnamedChanges(changes: readonly BreakingChange[], changelog: string): BreakingChange[] {
  const items = breakingItems(changelog);
  const isNamed = ({ operation, subject }: BreakingChange): boolean =>
    items.some((item) => item.includes(`\`${operation}\``) && (subject === '' || item.includes(`\`${subject}\``)));
  return changes.filter((change) => !isNamed(change));
}
