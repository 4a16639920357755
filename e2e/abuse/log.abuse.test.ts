import { testAttacks } from './attack-suite.ts';
import { attacks } from './attacks/log-attacks.ts';

testAttacks('the log', new URL('./attacks/log-attacks.ts', import.meta.url).href, attacks);
