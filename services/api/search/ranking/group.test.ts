import { expect, test } from 'vitest';
import { rankedHit } from '../../testing/ranked-hit.ts';
import { groupByConversation } from './group.ts';

const ranked = ['x1', 'y1', 'x2', 'x3', 'z1', 'y2'].map((id) => ({
  ...rankedHit(id, 0.5),
  conversationId: id.charAt(0),
}));
const grouped = (groups: number, size: number) => groupByConversation(ranked, { groups, size }).map(({ id }) => id);

test('shows the best hits of the best conversations, conversation by conversation', () => {
  expect(grouped(2, 2)).toEqual(['x1', 'x2', 'y1', 'y2']);
  expect(grouped(3, 1)).toEqual(['x1', 'y1', 'z1']);
  expect(grouped(9, 9)).toEqual(['x1', 'x2', 'x3', 'y1', 'y2', 'z1']);
});
