import { testAttacks } from './attack-suite.ts';
import { attacks } from './attacks/embedding-attacks.ts';

testAttacks('embedding of long messages', new URL('./attacks/embedding-attacks.ts', import.meta.url).href, attacks);
