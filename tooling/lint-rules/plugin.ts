import { noDictionaryLookup } from './no-dictionary-lookup.ts';
import { noVacuousExpect } from './no-vacuous-expect.ts';

/** The rules of this repository, in the form that oxlint loads. */
const plugin = {
  meta: { name: 'memory-layer' },
  rules: { 'no-dictionary-lookup': noDictionaryLookup, 'no-vacuous-expect': noVacuousExpect },
};

// oxlint-disable-next-line import/no-default-export
export default plugin;
