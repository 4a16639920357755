import { testAttacks } from './attack-suite.ts';
import { attacks } from './attacks/connection-attacks.ts';

testAttacks('connections', new URL('./attacks/connection-attacks.ts', import.meta.url).href, attacks);
