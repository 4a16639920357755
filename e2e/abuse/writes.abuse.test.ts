import { testAttacks } from './attack-suite.ts';
import { attacks } from './attacks/write-attacks.ts';

testAttacks('writes', new URL('./attacks/write-attacks.ts', import.meta.url).href, attacks);
