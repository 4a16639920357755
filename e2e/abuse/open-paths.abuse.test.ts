import { testAttacks } from './attack-suite.ts';
import { attacks } from './attacks/open-path-attacks.ts';

testAttacks(
  'open paths and streams of events',
  new URL('./attacks/open-path-attacks.ts', import.meta.url).href,
  attacks,
);
