import { inject, it } from 'vitest';

/** A test that `npm run test:all` runs and `npm test` leaves out: a second way to the same end, or a slow one. */
export const whole = inject('isWhole') ? it : it.skip;
