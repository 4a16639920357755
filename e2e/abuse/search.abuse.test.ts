import { testAttacks } from './attack-suite.ts';
import { attacks } from './attacks/search-attacks.ts';

testAttacks('searches', new URL('./attacks/search-attacks.ts', import.meta.url).href, attacks);
