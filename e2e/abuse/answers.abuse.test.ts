import { testAttacks } from './attack-suite.ts';
import { attacks } from './attacks/answer-attacks.ts';

testAttacks('large answers', new URL('./attacks/answer-attacks.ts', import.meta.url).href, attacks);
