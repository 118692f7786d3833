/** Fails each test of the page that asked another origin than its own. */
import { afterEach, inject } from 'vitest';
import { serves, takeForeign } from './request-record.ts';

serves(inject('pageUrl'));
serves(inject('harnessUrl'));

afterEach(() => {
  const foreign = takeForeign();
  if (foreign.length > 0) throw new Error(`Requests to other origins: ${foreign.join(', ').slice(0, 500)}`);
});
